/** Chance that repeats: the same seed gives the same numbers, bytes and ids. */
import { type Clock, type Random, uuidV7 } from '../kernel/index.ts'

/** Uniform integers in [0, 2^32). */
export type Generator = () => number

/**
 * A generator of its own for each purpose (`stream`), so that one more draw for the disk does not change every id: sfc32
 * by Chris Doty-Humphrey, from PractRand.
 */
export function seeded(seed: number, stream = 0): Generator {
  const [low = 0, high = 0] = new Uint32Array(Float64Array.of(seed).buffer)
  let a = low
  let b = high
  let c = stream
  let counter = 1
  const next = (): number => {
    const sum = (a + b + counter++) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return sum >>> 0
  }
  // The first draws still resemble the seed.
  for (let draw = 0; draw < 15; draw++) next()
  return next
}

/** A `Random` whose ids hold the virtual time. Not for secrets, of course. */
export function createVirtualRandom(seed: number, clock: Clock): Random {
  const uint32 = seeded(seed)
  const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => uint32() >>> 24)
  return {
    // 53 bits: as many as a double holds below 1.
    next: () => ((uint32() >>> 5) * 2 ** 26 + (uint32() >>> 6)) / 2 ** 53,
    bytes,
    id: () => uuidV7(clock.now(), bytes(10)),
  }
}
