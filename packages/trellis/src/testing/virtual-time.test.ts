import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as realTime } from 'node:timers/promises'
import fc from 'fast-check'
import { sleep } from '../kernel/index.ts'
import { createVirtualRuntime } from './index.ts'

const create = () => createVirtualRuntime({ seed: 1, startMs: 1_000_000 })

test('time stands still until it is moved, and then moves exactly', async () => {
  const runtime = create()
  await new Promise<void>(done => setImmediate(done))
  assert.equal(runtime.clock.now(), 1_000_000)
  await runtime.advance(250)
  assert.equal(runtime.clock.now(), 1_000_250)
  assert.equal(runtime.clock.monotonic(), 250)
})

test('timers fire in order of their time, then of their making, each at its own time', async () => {
  const runtime = create()
  const log: string[] = []
  for (const [name, ms] of [
    ['c', 30],
    ['a', 10],
    ['b', 10],
    ['never', 31],
  ] as const) {
    runtime.timers.after(ms, () => log.push(`${name} ${runtime.clock.monotonic()}`))
  }
  await runtime.advance(30)
  assert.deepEqual(log, ['a 10', 'b 10', 'c 30'])
  assert.equal(runtime.pendingTimers, 1)
})

test('any timers fire as in a stable sort by time', async () => {
  const property = fc.asyncProperty(fc.array(fc.nat({ max: 20 }), { maxLength: 40 }), async times => {
    const runtime = create()
    const fired: number[] = []
    times.forEach((ms, index) => void runtime.timers.after(ms, () => fired.push(index)))
    await runtime.advance(20)
    const expected = times.map((ms, index) => ({ ms, index })).sort((a, b) => a.ms - b.ms)
    assert.deepEqual(
      fired,
      expected.map(each => each.index),
    )
  })
  await fc.assert(property, { numRuns: 50 })
})

test('microtasks and turns that a timer causes run before the next timer', async () => {
  const runtime = create()
  const log: string[] = []
  runtime.timers.after(10, () => {
    log.push('first')
    runtime.timers.turn(() => {
      log.push('turn')
      void Promise.resolve().then(() => log.push('microtask'))
      runtime.timers.turn(() => log.push('turn of the turn'))
    })
  })
  runtime.timers.after(10, () => log.push('second'))
  await runtime.advance(10)
  assert.deepEqual(log, ['first', 'turn', 'microtask', 'turn of the turn', 'second'])
})

test('what timers schedule within the time that passes fires too', async () => {
  const runtime = create()
  const slept: number[] = []
  const work = (async () => {
    for (let round = 0; round < 5; round++) {
      await sleep(runtime, 100)
      slept.push(runtime.clock.monotonic())
    }
  })()
  await runtime.advance(450)
  assert.deepEqual(slept, [100, 200, 300, 400])
  await runtime.run(work)
  assert.equal(runtime.clock.monotonic(), 500)
})

test('turns go on by themselves', async () => {
  await new Promise<void>(done => create().timers.turn(done))
})

test('settle runs what is due now and moves nothing', async () => {
  const runtime = create()
  const log: string[] = []
  runtime.timers.after(0, () => log.push('now'))
  runtime.timers.after(1, () => log.push('later'))
  await runtime.settle()
  assert.deepEqual(log, ['now'])
  assert.equal(runtime.clock.monotonic(), 0)
})

test('time does not move while native work is pending', async () => {
  const runtime = create()
  const log: string[] = []
  runtime.timers.after(10, () => {
    void runtime.native(realTime(20)).then(() => log.push(`native at ${runtime.clock.monotonic()}`))
  })
  runtime.timers.after(11, () => log.push('timer'))
  await runtime.advance(1000)
  assert.deepEqual(log, ['native at 10', 'timer'])
})

test('native work may fail', async () => {
  const runtime = create()
  const work = runtime.native(Promise.reject(new Error('no database')))
  await assert.rejects(runtime.run(work), /no database/)
  await runtime.settle()
})

test('runUntil goes from timer to timer and stops at the first that is enough', async () => {
  const runtime = create()
  let beats = 0
  const beat = (): void => {
    beats++
    runtime.timers.after(50, beat)
  }
  beat()
  await runtime.runUntil(() => beats === 4)
  assert.equal(runtime.clock.monotonic(), 150)
  await runtime.runUntil(async () => beats === 5)
  assert.equal(runtime.clock.monotonic(), 200)
})

test('runUntil says when the condition can no longer come to hold', async () => {
  await assert.rejects(
    create().runUntil(() => false),
    /no timer waits/,
  )
  const runtime = create()
  const beat = (): void => void runtime.timers.after(50, beat)
  beat()
  await assert.rejects(
    runtime.runUntil(() => false, 1000),
    /within 1000 ms/,
  )
})

test('run moves time until the work has settled and hands on how', async () => {
  const runtime = create()
  const value = await runtime.run(sleep(runtime, 5000).then(() => 'awake'))
  assert.equal(value, 'awake')
  assert.equal(runtime.clock.monotonic(), 5000)
  const failing = sleep(runtime, 10).then(() => Promise.reject(new Error('no')))
  await assert.rejects(runtime.run(failing), /no/)
})

test('the error of a timer rejects the one who moves time, and time can be moved on', async () => {
  const runtime = create()
  const log: string[] = []
  runtime.timers.after(10, () => {
    throw new Error('from a timer')
  })
  runtime.timers.after(20, () => log.push('next'))
  await assert.rejects(runtime.advance(30), /from a timer/)
  assert.equal(runtime.clock.monotonic(), 10)
  await runtime.advance(20)
  assert.deepEqual(log, ['next'])
})

test('a second driver goes on where the first has stopped', async () => {
  const runtime = create()
  await Promise.all([runtime.advance(10), runtime.advance(20)])
  assert.equal(runtime.clock.monotonic(), 30)
})

test('a cancelled timer does not fire, and cancelling late does nothing', async () => {
  const runtime = create()
  const cancel = runtime.timers.after(10, () => assert.fail('it was cancelled'))
  const fired = runtime.timers.after(5, () => undefined)
  cancel()
  cancel()
  await runtime.advance(10)
  fired()
  assert.equal(runtime.pendingTimers, 0)
})

test('timers that never let time pass are found', async () => {
  const runtime = create()
  const again = (): void => void runtime.timers.after(0, again)
  again()
  await assert.rejects(runtime.advance(1), /without time passing/)
})

test('the wall clock jumps alone', async () => {
  const runtime = create()
  runtime.jumpWall(-5000)
  assert.equal(runtime.clock.now(), 995_000)
  assert.equal(runtime.clock.monotonic(), 0)
})

test('impossible times are refused', () => {
  const runtime = create()
  assert.throws(() => runtime.advance(-1), RangeError)
  assert.throws(() => runtime.advance(Number.NaN), RangeError)
  assert.throws(() => runtime.timers.after(Number.NaN, () => undefined), RangeError)
  assert.throws(() => createVirtualRuntime({ seed: Number.NaN }), RangeError)
  assert.throws(() => createVirtualRuntime({ seed: 1, startMs: Number.POSITIVE_INFINITY }), RangeError)
})
