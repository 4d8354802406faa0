import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { afterEach, test } from 'node:test'
import { CallContext, createRuntime, Fault, type Runtime } from '../kernel/index.ts'
import { parsePasswordHash } from './password-format.ts'
import { createPasswordHasher, type PasswordHasher, type PasswordHasherOptions } from './password-hasher.ts'
import { PasswordWorkers } from './password-workers.ts'

const CHEAP = { N: 1_024, r: 8, p: 1 }
const runtime = createRuntime()
const open: AsyncDisposable[] = []

function hasherOf(options: PasswordHasherOptions = {}, on: Runtime = runtime): PasswordHasher {
  const hasher = createPasswordHasher(on, { cost: CHEAP, ...options })
  open.push(hasher)
  return hasher
}

afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]()
})

test('a password is told from others by its hash', async () => {
  const hasher = hasherOf()
  const stored = await hasher.hash('correct horse')
  assert.match(stored, /^scrypt\$1024\$8\$1\$[\w-]{22}\$[\w-]{43}$/)
  assert.deepEqual(await hasher.verify('correct horse', stored), { ok: true, rehash: false })
  assert.deepEqual(await hasher.verify('correct horse ', stored), { ok: false, rehash: false })
  assert.deepEqual(await hasher.verify('', stored), { ok: false, rehash: false })
})

test('one password has another hash each time', async () => {
  const hasher = hasherOf()
  assert.notEqual(await hasher.hash('same'), await hasher.hash('same'))
})

test('accents typed in two ways are one password', async () => {
  const hasher = hasherOf()
  assert.equal((await hasher.verify('caf\u0065\u0301', await hasher.hash('caf\u00e9'))).ok, true)
})

test('the default cost is one that OWASP names, and a weaker hash asks to be made anew', async () => {
  const [weak, today] = [hasherOf(), hasherOf({ cost: { N: 2_048, r: 8, p: 1 } })]
  const stored = await weak.hash('correct horse')
  assert.deepEqual(await today.verify('correct horse', stored), { ok: true, rehash: true })
  assert.deepEqual(await today.verify('wrong', stored), { ok: false, rehash: false })
  assert.deepEqual(await weak.verify('correct horse', await today.hash('correct horse')), { ok: true, rehash: false })
  const standard = createPasswordHasher(runtime)
  open.push(standard)
  assert.deepEqual(parsePasswordHash(await standard.hash('x')).cost, { N: 32_768, r: 8, p: 3 })
})

test('an unknown user costs as much work as a known one', async () => {
  const hasher = hasherOf({ cost: { N: 8_192, r: 8, p: 1 } })
  const stored = await hasher.hash('correct horse')
  const timeOf = async (hash: string | undefined): Promise<number> => {
    const times: number[] = []
    for (let round = 0; round < 5; round++) {
      const before = performance.now()
      assert.equal((await hasher.verify('wrong', hash)).ok, false)
      times.push(performance.now() - before)
    }
    return Math.min(...times)
  }
  const [known, unknown] = [await timeOf(stored), await timeOf(undefined)]
  assert.ok(unknown > known / 3 && unknown < known * 3, `${unknown} ms and ${known} ms`)
})

test('no password fits no user, not even one that hashes to zeros', async () => {
  assert.equal((await hasherOf().verify('anything', undefined)).ok, false)
})

test('a stored hash that is broken or absurdly expensive is refused, and not repeated', async () => {
  const hasher = hasherOf()
  const good = await hasher.hash('x')
  for (const stored of [
    '',
    'x',
    good.slice(1),
    `${good}$`,
    good.replace('1024', '1000'),
    good.replace('1024', '99999999'),
    good.replace('$8$', '$0$'),
    good.replace('$8$', '$999$'),
  ]) {
    await assert.rejects(hasher.verify('x', stored), (fault: Fault) => {
      assert.equal(fault.reason, 'PASSWORD_HASH_INVALID')
      return stored.length < 20 || !fault.message.includes(stored)
    })
  }
})

test('a password of more than 1,024 characters is refused, or simply wrong', async () => {
  const hasher = hasherOf()
  await assert.rejects(hasher.hash('x'.repeat(1_025)), { code: 'invalid_argument', reason: 'PASSWORD_TOO_LONG' })
  const stored = await hasher.hash('x'.repeat(1_024))
  assert.equal((await hasher.verify('x'.repeat(1_025), stored)).ok, false)
})

test('costs and limits that can not be are refused where the hasher is made', () => {
  assert.throws(() => createPasswordHasher(runtime, { cost: { N: 1_000, r: 8, p: 1 } }), /N is a power of two/)
  assert.throws(() => createPasswordHasher(runtime, { cost: { N: 1_048_576, r: 32, p: 1 } }), RangeError)
  assert.throws(() => createPasswordHasher(runtime, { concurrency: 3 as never }), /concurrency is 3/)
  assert.throws(() => createPasswordHasher(runtime, { queue: -1 }), RangeError)
})

const request = { password: 'x', salt: new Uint8Array(16), cost: { N: 4_096, r: 8, p: 1 }, length: 32 }

function workersOf(queue: number, on: Runtime = runtime, idleMs = 60_000): PasswordWorkers {
  const workers = new PasswordWorkers(on, { concurrency: 2, queue, idleMs })
  open.push(workers)
  return workers
}

test('two are hashed at a time, the queue is bounded, and what is beyond is shed with a hint', async () => {
  const workers = workersOf(3)
  const all = await Promise.allSettled(Array.from({ length: 10 }, () => workers.hash(request)))
  assert.equal(workers.threads, 2)
  assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 5)
  for (const outcome of all.slice(5)) {
    const { code, reason, retryAfterMs } = (outcome as PromiseRejectedResult).reason
    assert.deepEqual([code, reason, retryAfterMs], ['resource_exhausted', 'PASSWORD_QUEUE_FULL', 2_000])
  }
})

test('who has gone is not hashed for, and makes room in the queue', async () => {
  const workers = workersOf(2)
  const gone = new CallContext(runtime)
  const running = [workers.hash(request), workers.hash(request)]
  const waiting = [workers.hash(request, gone), workers.hash(request, gone)].map(work =>
    assert.rejects(work, { code: 'cancelled' }),
  )
  gone.cancel(new Fault('cancelled', 'gone'))
  const next = workers.hash(request)
  await Promise.all([...running, ...waiting, next])
})

test('a thread that dies fails its one request, and the next gets another thread', async () => {
  const workers = workersOf(8)
  const tooMuch = { ...request, cost: { N: 1_000, r: 8, p: 1 } } // not a power of two: the thread answers with an error
  await assert.rejects(workers.hash(tooMuch), { code: 'unavailable', reason: 'PASSWORD_WORKER_FAILED' })
  const unreadable = { ...request, salt: undefined as never, password: 3 as never, cost: undefined as never } // throws outside the guarded part
  await assert.rejects(workers.hash(unreadable), { code: 'unavailable' })
  assert.equal((await workers.hash(request)).length, 32)
})

test('threads start with the first password and end when idle', async () => {
  let idle: (() => void) | undefined
  const after = (_ms: number, fn: () => void): (() => void) => {
    idle = fn
    return () => undefined
  }
  const workers = workersOf(8, { ...runtime, timers: { ...runtime.timers, after } })
  assert.equal(workers.threads, 0)
  await workers.hash(request)
  assert.equal(workers.threads, 1)
  idle?.()
  assert.equal(workers.threads, 0)
  assert.equal((await workers.hash(request)).length, 32)
})

test('stopping fails what waits and what comes', async () => {
  const workers = workersOf(8)
  const works = Array.from({ length: 4 }, () =>
    assert.rejects(workers.hash(request), { code: 'unavailable', reason: 'STOPPING' }),
  )
  await workers[Symbol.asyncDispose]()
  await Promise.all(works)
  await assert.rejects(workers.hash(request), { reason: 'STOPPING' })
})

test('the threads that hash step back behind the others', { skip: process.platform !== 'linux' }, async () => {
  const workers = workersOf(8)
  await workers.hash(request)
  const niceness = readdirSync('/proc/self/task').map(task => {
    try {
      return Number(readFileSync(`/proc/self/task/${task}/stat`, 'utf8').split(') ')[1]?.split(' ')[16])
    } catch {
      return 0 // a thread that has just ended
    }
  })
  assert.equal(niceness.filter(nice => nice >= 10).length, 1)
  assert.equal(
    process.pid > 0 && Number(readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ')[16]) < 10,
    true,
  )
})
