import assert from 'node:assert/strict'
import { describe, mock, test } from 'node:test'
import fc from 'fast-check'
import { sleep } from './runtime.ts'
import { createRuntime, uuidV7 } from './runtime-node.ts'

describe('the clock', () => {
  test('reads the time of the machine', () => {
    const { clock } = createRuntime()
    const before = Date.now()
    const now = clock.now()
    assert.ok(before <= now && now <= Date.now())
    assert.equal(clock.fromWall(123), 123)
  })

  test('runs faster with a timeScale, from its anchor on', t => {
    t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
    const { clock } = createRuntime({ timeScale: 1 / 20, anchorMs: 999_000 })
    assert.equal(clock.now(), 999_000 + 20_000)
    t.mock.timers.tick(50)
    assert.equal(clock.now(), 999_000 + 21_000)
    assert.equal(clock.fromWall(999_100), 1_001_000)
  })

  test('of another machine with the same scale and anchor agrees', t => {
    t.mock.timers.enable({ apis: ['Date'], now: 5_000 })
    const options = { timeScale: 1 / 4, anchorMs: 1_000 }
    const first = createRuntime(options)
    t.mock.timers.tick(100)
    assert.equal(createRuntime(options).clock.now(), first.clock.now())
  })

  test('has a monotonic side that is scaled as well', () => {
    const { clock } = createRuntime({ timeScale: 1 / 20 })
    const before = performance.now() * 20
    const now = clock.monotonic()
    assert.ok(before <= now && now <= performance.now() * 20)
  })

  test('refuses a scale that would slow, stop or turn back time', () => {
    for (const timeScale of [0, -1, 1.5, Number.NaN]) {
      assert.throws(() => createRuntime({ timeScale }), { name: 'RangeError', message: new RegExp(`is ${timeScale};`) })
    }
  })
})

describe('timers', () => {
  test('fire after their scaled time, not before', t => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { timers } = createRuntime({ timeScale: 1 / 20 })
    const fired: number[] = []
    // 1.25 ms of the machine: a timer of 1 ms would be early.
    timers.after(25, () => fired.push(25))
    timers.after(1000, () => fired.push(1000))
    t.mock.timers.tick(1)
    assert.deepEqual(fired, [])
    t.mock.timers.tick(1)
    assert.deepEqual(fired, [25])
    t.mock.timers.tick(48)
    assert.deepEqual(fired, [25, 1000])
  })

  test('do not fire when cancelled; cancelling again or late does nothing', t => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { timers } = createRuntime()
    const cancel = timers.after(10, () => assert.fail('it was cancelled'))
    cancel()
    cancel()
    const fn = mock.fn()
    const late = timers.after(10, fn)
    t.mock.timers.tick(10)
    late()
    assert.equal(fn.mock.callCount(), 1)
  })

  test('of thirty days fire in thirty days, and can be cancelled in between', t => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { timers } = createRuntime()
    const day = 86_400_000
    const fn = mock.fn()
    timers.after(30 * day, fn)
    const cancel = timers.after(30 * day, () => assert.fail('it was cancelled'))
    // As far as one timer of Node's goes, so that the mock arms the next one at the right time.
    const longest = 2 ** 31 - 1
    t.mock.timers.tick(longest)
    cancel()
    t.mock.timers.tick(30 * day - longest - 1)
    assert.equal(fn.mock.callCount(), 0)
    t.mock.timers.tick(1)
    assert.equal(fn.mock.callCount(), 1)
  })

  test('of an infinite time never fire', t => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { timers } = createRuntime()
    timers.after(Number.POSITIVE_INFINITY, () => assert.fail('never'))
    t.mock.timers.tick(2 ** 40)
  })

  test('of no number are refused, since they would fire at once and again', () => {
    assert.throws(() => createRuntime().timers.after(Number.NaN, () => undefined), RangeError)
  })

  test('may let the process end, and keep it by default', () => {
    const { timers } = createRuntime()
    const resources = (): number => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
    const before = resources()
    const cancelBackground = timers.after(60_000, () => undefined, { background: true })
    assert.equal(resources(), before)
    const cancel = timers.after(60_000, () => undefined)
    assert.equal(resources(), before + 1)
    cancel()
    cancelBackground()
  })

  test('run a turn after the microtasks of the current one', async () => {
    const { timers } = createRuntime()
    const log: string[] = []
    const turn = new Promise<void>(done =>
      timers.turn(() => {
        log.push('turn')
        done()
      }),
    )
    void Promise.resolve().then(() => log.push('microtask'))
    process.nextTick(() => log.push('tick'))
    await turn
    assert.equal(log.at(-1), 'turn')
    assert.equal(log.length, 3)
  })

  test('serve sleep and the deadlines', async () => {
    const runtime = createRuntime({ timeScale: 1 / 1000 })
    const started = runtime.clock.monotonic()
    await Promise.all([
      sleep(runtime, 1000),
      new Promise<void>(done => {
        runtime.deadlines.add(started + 1500, done)
        // A deadline is a background timer: what waits for it must itself hold the process.
        runtime.timers.after(60_000, () => undefined, { background: true })
      }),
      sleep(runtime, 5000),
    ])
    assert.ok(runtime.clock.monotonic() - started >= 1500)
  })
})

describe('chance', () => {
  const { random } = createRuntime()

  test('gives as many bytes as asked for, of its own', () => {
    for (const length of [0, 1, 16, 1024, 1025, 100_000]) assert.equal(random.bytes(length).length, length)
    const first = random.bytes(16)
    const copy = first.slice()
    first.fill(0)
    const all = Array.from({ length: 2000 }, () => Buffer.from(random.bytes(16)).toString('hex'))
    assert.equal(new Set(all).size, 2000)
    assert.ok(!all.includes(Buffer.from(copy).toString('hex')))
  })

  test('gives numbers from 0 up to 1', () => {
    for (let draw = 0; draw < 1000; draw++) {
      const next = random.next()
      assert.ok(next >= 0 && next < 1)
    }
  })

  test('gives ids that are UUIDs of version 7 with the current time', () => {
    const before = Date.now()
    const id = random.id()
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    const time = Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)
    assert.ok(before <= time && time <= Date.now())
  })
})

describe('uuidV7', () => {
  test('is the example of RFC 9562, appendix A.6', () => {
    const random = Uint8Array.of(0xcc, 0x30, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f)
    assert.equal(uuidV7(0x017f22e279b0, random), '017f22e2-79b0-7cc3-98c4-dc0c0c07398f')
  })

  test('sorts by time', () => {
    const time = fc.integer({ min: 0, max: 2 ** 48 - 1 })
    const bytes = fc.uint8Array({ minLength: 10, maxLength: 10 })
    fc.assert(
      fc.property(time, bytes, time, bytes, (one, oneRandom, other, otherRandom) => {
        if (one === other) return
        assert.equal(uuidV7(one, oneRandom) < uuidV7(other, otherRandom), one < other)
      }),
    )
  })

  test('holds 74 independent bits of chance', () => {
    const zero = uuidV7(0, new Uint8Array(10))
    const seen = new Set<string>()
    for (let bit = 0; bit < 80; bit++) {
      const random = new Uint8Array(10)
      random[bit >> 3] = 1 << (bit & 7)
      const id = uuidV7(0, random)
      assert.ok(bitsBetween(zero, id) <= 1, `bit ${bit} changes more than one bit`)
      seen.add(id)
    }
    seen.delete(zero)
    assert.equal(seen.size, 74)
  })
})

function bitsBetween(one: string, other: string): number {
  const value = (id: string): bigint => BigInt(`0x${id.replaceAll('-', '')}`)
  return (value(one) ^ value(other)).toString(2).replaceAll('0', '').length
}
