import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import fc from 'fast-check'
import { createVirtualRuntime } from '../testing/index.ts'
import { type Deadline, Deadlines } from './deadline.ts'

test('deadlines expire in order of their time, each once', async () => {
  const { deadlines, advance } = createVirtualRuntime({ seed: 1 })
  const seen: number[] = []
  for (const at of [30, 10, 20, 10]) deadlines.add(at, () => seen.push(at))
  await advance(9)
  assert.deepEqual(seen, [])
  await advance(11)
  assert.deepEqual(seen, [10, 10, 20])
  await advance(100)
  assert.deepEqual(seen, [10, 10, 20, 30])
  assert.equal(deadlines.size, 0)
})

test('a removed deadline does not expire, and removing it again does nothing', async () => {
  const { deadlines, advance } = createVirtualRuntime({ seed: 1 })
  const removed = deadlines.add(10, () => assert.fail('it was removed'))
  const seen: number[] = []
  const fired = deadlines.add(10, () => seen.push(10))
  deadlines.remove(removed)
  deadlines.remove(removed)
  await advance(10)
  deadlines.remove(fired)
  assert.deepEqual(seen, [10])
})

test('one timer serves all deadlines', () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  for (const at of [300, 200, 100, 400]) runtime.deadlines.add(at, () => undefined)
  assert.equal(runtime.pendingTimers, 1)
})

test('an expiring deadline may add and remove others', async () => {
  const { deadlines, advance } = createVirtualRuntime({ seed: 1 })
  const seen: string[] = []
  deadlines.add(10, () => {
    deadlines.remove(second)
    deadlines.add(10, () => seen.push('due at once'))
    deadlines.add(15, () => seen.push('later'))
  })
  const second = deadlines.add(10, () => seen.push('removed'))
  await advance(10)
  assert.deepEqual(seen, ['due at once'])
  await advance(5)
  assert.deepEqual(seen, ['due at once', 'later'])
})

test('a throwing deadline is an uncaught error and keeps no other from expiring', async () => {
  const runners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  try {
    const { deadlines, advance } = createVirtualRuntime({ seed: 1 })
    const uncaught = once(process, 'uncaughtException')
    const seen: string[] = []
    deadlines.add(10, () => {
      throw new Error('from a deadline')
    })
    deadlines.add(10, () => seen.push('same time'))
    deadlines.add(20, () => seen.push('later'))
    await advance(20)
    assert.deepEqual(seen, ['same time', 'later'])
    assert.match(String(await uncaught), /from a deadline/)
  } finally {
    for (const runner of runners) process.on('uncaughtException', runner)
  }
})

test('a timer that fires early waits for the rest', () => {
  let now = 0
  let fire: () => void = () => undefined
  let armedMs = 0
  const clock = { now: () => now, monotonic: () => now, fromWall: (wallMs: number) => wallMs }
  const after = (ms: number, fn: () => void): (() => void) => {
    armedMs = ms
    fire = fn
    return () => undefined
  }
  const deadlines = new Deadlines(clock, { after, turn: () => undefined })
  let expired = false
  deadlines.add(10, () => {
    expired = true
  })
  now = 9.5
  fire()
  assert.equal(expired, false)
  assert.equal(armedMs, 1)
  now = 10
  fire()
  assert.equal(expired, true)
})

test('a time that is no number is refused', () => {
  const { deadlines } = createVirtualRuntime({ seed: 1 })
  assert.throws(() => deadlines.add(Number.NaN, () => undefined), RangeError)
})

type Step = { add: number } | { remove: number } | { advance: number }

test('any sequence of adding, removing and waiting expires what a sorted list does', async () => {
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 5, arbitrary: fc.record({ add: fc.integer({ min: 0, max: 60 }) }) },
    { weight: 3, arbitrary: fc.record({ remove: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ advance: fc.integer({ min: 0, max: 20 }) }) },
  )
  const property = fc.asyncProperty(fc.array(step, { maxLength: 120 }), async steps => {
    const { deadlines, advance } = createVirtualRuntime({ seed: 1 })
    const entries: Deadline[] = []
    const pending = new Map<number, number>()
    let expired: number[] = []
    let now = 0
    for (const one of steps) {
      if ('add' in one) {
        const id = entries.length
        pending.set(id, now + one.add)
        entries.push(deadlines.add(now + one.add, () => expired.push(id)))
      } else if ('remove' in one) {
        const id = one.remove % Math.max(1, entries.length)
        const entry = entries[id]
        if (entry !== undefined) deadlines.remove(entry)
        pending.delete(id)
      } else {
        now += one.advance
        expired = []
        await advance(one.advance)
        const due = [...pending].filter(([, at]) => at <= now)
        assert.deepEqual(
          expired.map(id => entries[id]?.at),
          due.map(([, at]) => at).sort((a, b) => a - b),
        )
        assert.deepEqual(
          [...expired].sort((a, b) => a - b),
          due.map(([id]) => id),
        )
        for (const [id] of due) pending.delete(id)
      }
      assert.equal(deadlines.size, pending.size)
    }
  })
  await fc.assert(property, { numRuns: 200 })
})

test('whichever of many deadlines are removed, the others expire on time', async () => {
  // Enough of them that the last entry of the heap must move up as well as down.
  const times = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 10, maxLength: 60 })
  const removed = fc.array(fc.nat({ max: 59 }), { maxLength: 40 })
  const property = fc.asyncProperty(times, removed, async (ats, indexes) => {
    const { clock, deadlines, advance } = createVirtualRuntime({ seed: 1 })
    const late: number[] = []
    const entries = ats.map(at =>
      deadlines.add(at, () => {
        if (clock.monotonic() > at) late.push(at)
      }),
    )
    for (const index of indexes) {
      const entry = entries[index]
      if (entry !== undefined) deadlines.remove(entry)
    }
    await advance(50)
    assert.equal(deadlines.size, 0)
    assert.deepEqual(late, [])
  })
  await fc.assert(property, { numRuns: 300 })
})
