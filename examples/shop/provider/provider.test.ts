import assert from 'node:assert/strict'
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Runtime } from 'trellis/kernel'
import { CallContext, createRuntime, isFault } from 'trellis/kernel'
import { createHttpClient, createHttpServer } from 'trellis/wire/http1'
import { Provider } from '../payments/provider.ts'
import { Books, parseLog } from './charges.ts'
import { createProvider } from './server.ts'

const folder = await mkdtemp(join(tmpdir(), 'trellis-provider-'))
const path = join(folder, 'provider.log')
// A hundred times as fast: the slow method takes 30 ms.
const runtime = createRuntime({ timeScale: 1 / 100 })
const books = await Books.open(runtime, path)
// The limits in time are a hundred times as short, too: a busy machine must not meet them.
const limits = { headTimeoutMs: 3_000_000, bodyTimeoutMs: 3_000_000, idleTimeoutMs: 3_000_000 }
const server = createHttpServer(runtime, { handler: createProvider(runtime, books), limits })
const { port } = await server.listen({ host: '127.0.0.1', port: 0 })
const url = `http://127.0.0.1:${port}`
const provider = new Provider(createHttpClient(runtime, {}), url)
after(async () => {
  await provider.close()
  await server.close({ graceMs: 0 })
  await books[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const calling = (timeoutMs = 3_000_000) => new CallContext(runtime, { timeoutMs })
let made = 0
const charge = (method: string, amount = 500) => ({
  key: `charge-${made++}`,
  reference: 'o/u',
  amount,
  currency: 'EUR',
  method,
})
const logged = async (key: string) =>
  parseLog(await readFile(path, 'utf8')).filter(
    entry => entry.key === key || ('charge' in entry && entry.charge === key),
  )
const refused = (error: unknown) => isFault(error, 'PROVIDER_REFUSED')
const unavailable = (error: unknown) => isFault(error) && error.code === 'unavailable'

test('a charge is captured once, however often it is asked for', async () => {
  const request = charge('pm_ok')
  const answers = await Promise.all([1, 2, 3].map(() => provider.charge(request, calling())))
  assert.deepEqual(answers, ['captured', 'captured', 'captured'])
  assert.equal((await logged(request.key)).length, 1)
})

test('a declined charge stays declined', async () => {
  const request = charge('pm_declined')
  assert.equal(await provider.charge(request, calling()), 'declined')
  assert.equal(await provider.charge({ ...request, method: 'pm_ok' }, calling()), 'declined')
})

test('a slow charge is captured in its time', async () => {
  assert.equal(await provider.charge(charge('pm_slow'), calling()), 'captured')
})

test('a flaky charge fails twice as unavailable, then is captured', async () => {
  const request = charge('pm_flaky')
  for (let times = 0; times < 2; times++) await assert.rejects(provider.charge(request, calling()), unavailable)
  assert.equal((await logged(request.key)).length, 0)
  assert.equal(await provider.charge(request, calling()), 'captured')
})

test('a lost charge is captured, its first answer never comes, the second does', async () => {
  const request = charge('pm_lost')
  await assert.rejects(
    provider.charge(request, calling(5_000)),
    error => isFault(error) && error.code === 'deadline_exceeded',
  )
  assert.equal((await logged(request.key)).length, 1)
  assert.equal(await provider.charge(request, calling()), 'captured')
  assert.equal((await logged(request.key)).length, 1)
})

test('the outcome of a charge can be asked for, also when there was none', async () => {
  const request = charge('pm_ok')
  assert.equal(await provider.find(request.key, calling()), undefined)
  await provider.charge(request, calling())
  assert.equal(await provider.find(request.key, calling()), 'captured')
})

test('a refund is given once, and only of what was captured', async () => {
  const request = charge('pm_ok')
  const refund = { key: `refund-${request.key}`, charge: request.key, amount: 500, currency: 'EUR' }
  await assert.rejects(provider.refund(refund, calling()), refused)
  await provider.charge(request, calling())
  await provider.refund(refund, calling())
  await provider.refund(refund, calling())
  assert.equal((await logged(request.key)).filter(entry => entry.kind === 'refund').length, 1)

  const declined = charge('pm_declined')
  await provider.charge(declined, calling())
  await assert.rejects(provider.refund({ ...refund, key: 'refund-declined', charge: declined.key }, calling()), refused)
})

test('a request that makes no sense is refused and charges nothing', async () => {
  const bodies = [
    '',
    '{',
    '[]',
    '{"key":"k"}',
    JSON.stringify({ ...charge('pm_gold') }),
    JSON.stringify({ ...charge('pm_ok'), amount: 1.5 }),
  ]
  const before = (await readFile(path, 'utf8')).length
  for (const body of bodies) {
    const response = await fetch(`${url}/charges`, { method: 'POST', body })
    assert.equal(response.status, 400, body)
  }
  assert.equal((await fetch(`${url}/nothing`)).status, 404)
  assert.equal((await readFile(path, 'utf8')).length, before)
})

test('the books know after a crash what they knew before, and nothing of a line that was cut short', async () => {
  const own = join(folder, 'crash.log')
  await using first = await Books.open(runtime, own)
  const entry = { kind: 'charge' as const, ...charge('pm_ok'), status: 'captured' as const }
  await first.enter(entry)
  await appendFile(own, '{"kind":"charge","key":"torn"')
  await using second = await Books.open(runtime, own)
  assert.equal((await second.find(entry.key))?.key, entry.key)
  assert.equal(second.find('torn'), undefined)
  await second.enter({ ...entry, key: 'next' })
  await using third = await Books.open(runtime, own)
  assert.equal((await third.find('next'))?.key, 'next')
})

test('books that could not be written take no further entry, and say so to who keeps them', async () => {
  let full = false
  const failing: Runtime = {
    ...runtime,
    fs: {
      ...runtime.fs,
      async open(at) {
        const file = await runtime.fs.open(at)
        return {
          append: bytes => (full ? Promise.reject(new Error('disk full')) : file.append(bytes)),
          datasync: () => file.datasync(),
          size: () => file.size(),
          truncate: () => file.truncate(),
          [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
        }
      },
    },
  }
  const own = join(folder, 'full.log')
  await using kept = await Books.open(failing, own)
  const entry = { kind: 'charge' as const, ...charge('pm_ok'), status: 'captured' as const }
  await kept.enter(entry)
  full = true
  await assert.rejects(kept.enter({ ...entry, key: 'lost' }), /disk full/)
  await assert.rejects(kept.failed, /disk full/)
  full = false
  await assert.rejects(kept.enter({ ...entry, key: 'later' }), /disk full/)
  await using again = await Books.open(runtime, own)
  assert.equal((await again.find(entry.key))?.key, entry.key)
  assert.equal(again.find('lost'), undefined)
})
