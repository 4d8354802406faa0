import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createRuntime, type Runtime } from '../kernel/index.ts'
import { openSqlite } from '../store/sqlite/index.ts'
import type { Store } from '../store/store.ts'
import { createThrottle, networkOf, type Throttle } from './throttle.ts'

let offsetMs = 0
const real = createRuntime()
/** The real runtime, for a real store, with a wall clock that can be moved. */
const runtime: Runtime = { ...real, clock: { ...real.clock, now: () => real.clock.now() + offsetMs } }

describe('throttle', () => {
  let folder: string
  let store: Store
  let throttle: Throttle
  const reopen = async (): Promise<void> => {
    store = await openSqlite(runtime, { path: join(folder, 'store.db') })
    throttle = await createThrottle(store, { limit: 3, windowMs: 60_000, maxEntries: 50 })
  }
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'trellis-throttle-'))
    await reopen()
  })
  after(async () => {
    await store[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })
  const fail = (...keys: string[]): Promise<string | undefined> => throttle.attempt(keys, async () => undefined)
  const succeed = (...keys: string[]): Promise<string | undefined> => throttle.attempt(keys, async () => 'in')
  const refused = (work: Promise<unknown>): Promise<void> =>
    assert.rejects(work, { code: 'resource_exhausted', reason: 'TOO_MANY_FAILURES', retryable: false })

  test('after the limit a key is refused, right or wrong, and the work is not done', async () => {
    for (let attempt = 0; attempt < 3; attempt++) assert.equal(await fail('account:a'), undefined)
    await refused(fail('account:a'))
    let worked = false
    await refused(
      throttle.attempt(['account:a'], async () => {
        worked = true
        return 'in'
      }),
    )
    assert.equal(worked, false)
    assert.equal(await succeed('account:b'), 'in')
  })

  test('each key counts by itself, and one that is full refuses', async () => {
    await fail('account:c', 'address:1')
    await fail('account:d', 'address:1')
    await fail('account:e', 'address:1')
    await refused(succeed('account:f', 'address:1'))
    assert.equal(await succeed('account:c', 'address:2'), 'in')
  })

  test('the hint says when the window has moved on, and then it has', async () => {
    offsetMs += 100_000
    await fail('account:g')
    offsetMs += 20_000
    await fail('account:g')
    await fail('account:g')
    const error = await fail('account:g').catch(fault => fault)
    assert.ok(error.retryAfterMs > 35_000 && error.retryAfterMs <= 40_000, String(error.retryAfterMs))
    offsetMs += 40_001
    assert.equal(await succeed('account:g'), 'in')
    assert.equal(await fail('account:g'), undefined)
    await refused(succeed('account:g'))
  })

  test('refused attempts do not lengthen the wait', async () => {
    for (let attempt = 0; attempt < 3; attempt++) await fail('account:h')
    offsetMs += 59_000
    for (let attempt = 0; attempt < 5; attempt++) await refused(fail('account:h'))
    offsetMs += 1_500
    assert.equal(await succeed('account:h'), 'in')
  })

  test('of many attempts at once no more than the limit learn whether they were right', async () => {
    const gate = Promise.withResolvers<void>()
    const attempts = Array.from({ length: 10 }, () =>
      throttle.attempt(['account:i'], async () => {
        await gate.promise
        return undefined
      }),
    )
    gate.resolve()
    const outcomes = await Promise.allSettled(attempts)
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 3)
  })

  test('a right attempt that ends after the limit was reached is refused too', async () => {
    const gate = Promise.withResolvers<void>()
    const right = throttle.attempt(['account:j'], async () => {
      await gate.promise
      return 'in'
    })
    for (let attempt = 0; attempt < 3; attempt++) await fail('account:j')
    gate.resolve()
    await refused(right)
  })

  test('work that fails by itself counts for nothing', async () => {
    for (let attempt = 0; attempt < 5; attempt++) {
      await assert.rejects(
        throttle.attempt(['account:k'], () => Promise.reject(new Error('down'))),
        /down/,
      )
    }
    assert.equal(await succeed('account:k'), 'in')
  })

  test('failures outlive a restart, and the table tells nobody who tried', async () => {
    for (let attempt = 0; attempt < 3; attempt++) await fail('account:ada@shop.example')
    await store[Symbol.asyncDispose]()
    await reopen()
    await refused(succeed('account:ada@shop.example'))
    const rows = await store.reader.all<{ bucket: string }>('select bucket from trellis_failure')
    for (const { bucket } of rows) assert.match(bucket, /^[0-9a-f]{64}$/)
  })

  test('the table is bounded and old failures leave it', async () => {
    for (let account = 0; account < 80; account++) await fail(`account:${account}`)
    const count = async (): Promise<number> =>
      (await store.reader.get<{ n: number }>('select count(*) as n from trellis_failure'))?.n ?? -1
    assert.equal(await count(), 50)
    offsetMs += 61_000
    await fail('account:last')
    assert.equal(await count(), 1)
  })

  test('options that can not be are refused', async () => {
    await assert.rejects(createThrottle(store, { limit: 0 }), /limit is 0/)
    await assert.rejects(createThrottle(store, { windowMs: 0 }), RangeError)
    await assert.rejects(createThrottle(store, { maxEntries: 5 }), RangeError)
  })
})

test('an IPv6 address counts by its network, an IPv4 address by itself', () => {
  assert.equal(networkOf('192.0.2.7'), '192.0.2.7')
  assert.equal(networkOf('::ffff:192.0.2.7'), '192.0.2.7')
  assert.equal(networkOf('::FFFF:192.0.2.7'), '192.0.2.7')
  assert.equal(networkOf('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64')
  assert.equal(networkOf('2001:0db8:0001:0002::9'), '2001:db8:1:2::/64')
  assert.equal(networkOf('2001:db8::1'), '2001:db8:0:0::/64')
  assert.equal(networkOf('::1'), '0:0:0:0::/64')
  assert.equal(networkOf('fe80::1%eth0'), 'fe80:0:0:0::/64')
})
