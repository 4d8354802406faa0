import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createVirtualRuntime } from './index.ts'
import { seeded } from './virtual-random.ts'

const draws = (seed: number): unknown[] => {
  const { random } = createVirtualRuntime({ seed })
  return [random.id(), random.next(), [...random.bytes(5)], random.id()]
}

test('the same seed gives the same ids, numbers and bytes', () => {
  assert.deepEqual(draws(42), draws(42))
})

test('seeds that differ a little give what differs a lot', () => {
  const ids = [0, 1, 2, -1, 0.5, 1e9, 2 ** 53].map(seed => createVirtualRuntime({ seed }).random.id())
  assert.equal(new Set(ids).size, ids.length)
})

test('ids hold the virtual time, so that they sort by it', async () => {
  const runtime = createVirtualRuntime({ seed: 1, startMs: 0x017f22e279b0 })
  const first = runtime.random.id()
  assert.match(first, /^017f22e2-79b0-7/)
  await runtime.advance(1)
  assert.ok(first < runtime.random.id())
})

test('numbers are spread evenly over [0, 1)', () => {
  const { random } = createVirtualRuntime({ seed: 3 })
  const buckets = new Array<number>(10).fill(0)
  for (let draw = 0; draw < 10_000; draw++) {
    const bucket = Math.floor(random.next() * 10)
    buckets[bucket] = (buckets[bucket] as number) + 1
  }
  assert.equal(buckets.length, 10)
  // Six standard deviations of a fair draw: the seed is fixed, so this holds always or never.
  for (const count of buckets) assert.ok(Math.abs(count - 1000) < 180, `${buckets}`)
})

test('the streams of one seed are independent', () => {
  assert.notEqual(seeded(1, 0)(), seeded(1, 1)())
})
