import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { createRuntime } from '../kernel/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { silentLogger } from '../telemetry/index.ts'
import { supervise } from './supervisor.ts'

const runtime = createRuntime()

/** A program that dials the port at each start, and then does what `then` says. */
const program = (then: string): string => `
  require('node:net').connect(Number(process.env.PORT), '127.0.0.1').on('error', () => {})
  process.on('disconnect', () => process.exit(0))
  ${then}`

async function starts(port: (value: number) => void): Promise<{ next(): Promise<number>; close(): void }> {
  const server = createServer(socket => socket.on('error', () => undefined))
  let count = 0
  const waiting: ((count: number) => void)[] = []
  server.on('connection', () => {
    count++
    waiting.shift()?.(count)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  port((server.address() as { port: number }).port)
  return { next: () => new Promise(resolve => waiting.push(resolve)), close: () => server.close() }
}

test('a process that is killed is started again, and one that was stopped is not', { timeout: 20_000 }, async () => {
  let port = 0
  const seen = await starts(value => {
    port = value
  })
  const first = seen.next()
  const supervised = supervise(runtime, silentLogger, {
    name: 'p',
    args: [
      '-e',
      program(
        `process.on('SIGTERM', () => process.exit(0)); process.send({ trellis: 'ready' }); setInterval(() => {}, 1000)`,
      ),
    ],
    env: { ...process.env, PORT: String(port) },
  })
  assert.equal(await first, 1)
  await supervised.ready
  const second = seen.next()
  process.kill(supervised.pid as number, 'SIGKILL')
  assert.equal(await second, 2)
  assert.equal(supervised.restarts, 1)
  await supervised.stop()
  assert.equal(supervised.pid, undefined)
  seen.close()
})

test('one that ends again and again is started with growing pauses, and never given up', {
  timeout: 20_000,
}, async () => {
  let port = 0
  const seen = await starts(value => {
    port = value
  })
  const fourth = (async () => {
    let count = 0
    while (count < 4) count = await seen.next()
  })()
  const supervised = supervise(runtime, silentLogger, {
    name: 'p',
    args: ['-e', program('setTimeout(() => process.exit(1), 20)')],
    env: { ...process.env, PORT: String(port) },
  })
  await fourth
  assert.ok(supervised.restarts >= 3)
  await supervised.stop()
  seen.close()
})

test('one that does not stop in time is killed', { timeout: 20_000 }, async () => {
  const supervised = supervise(runtime, silentLogger, {
    name: 'p',
    args: ['-e', `process.on('SIGTERM', () => {}); process.send({ trellis: 'ready' }); setInterval(() => {}, 1000)`],
    env: process.env,
  })
  await supervised.ready
  await supervised.stop(50)
  assert.equal(supervised.pid, undefined)
})

test('what a process has to tell is heard', { timeout: 20_000 }, async () => {
  const heard = Promise.withResolvers<string>()
  const supervised = supervise(runtime, silentLogger, {
    name: 'p',
    args: [
      '-e',
      `process.send({ trellis: 'notice', notice: { service: 's', text: 'hello', secret: false } }); setInterval(() => {}, 1000)`,
    ],
    env: process.env,
    notice: notice => heard.resolve(notice.text),
  })
  assert.equal(await heard.promise, 'hello')
  await supervised.stop()
})

test('one that cannot be spawned is tried again, and can be stopped', { timeout: 20_000 }, async () => {
  const twice = Promise.withResolvers<void>()
  let ends = 0
  const log: Logger = {
    log: () => {
      if (++ends === 2) twice.resolve()
    },
    with: () => log,
  }
  // Larger than a program's environment may be.
  const supervised = supervise(runtime, log, { name: 'p', args: ['-e', ''], env: { TOO_LARGE: 'x'.repeat(8_000_000) } })
  await twice.promise
  await supervised.stop()
  assert.equal(supervised.pid, undefined)
})
