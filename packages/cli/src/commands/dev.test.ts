import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { dev, HELLO, LEDGER, place } from '../cli.test-fixture.ts'

async function greet(url: string, name: string): Promise<unknown> {
  const answer = await fetch(`${url}/api/greetings`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  })
  return answer.json()
}

test('runs a system, drains at Ctrl-C, ends with 0, and goes on with its data at the next start', async () => {
  using here = place()
  {
    await using first = await dev(here, [HELLO])
    assert.equal(first.folder, join(here.folder, '.trellis', 'hello'))
    assert.deepEqual(await greet(first.url, 'Ada'), { text: 'Hello, Ada.', times: 1 })
    first.process.kill('SIGINT')
    assert.equal((await first.ended).code, 0)
  }
  await using second = await dev(here, [HELLO])
  assert.deepEqual(await greet(second.url, 'Ada'), { text: 'Hello, Ada.', times: 2 })
})

test('kill -9 loses nothing that was answered', async () => {
  using here = place()
  {
    await using first = await dev(here, [HELLO])
    await greet(first.url, 'Ada')
    first.process.kill('SIGKILL')
    await first.ended
  }
  await using second = await dev(here, [HELLO])
  assert.deepEqual(await greet(second.url, 'Ada'), { text: 'Hello, Ada.', times: 2 })
})

test('the screen tells where it answers, what services say, what to try, where the data lie, and how to stop', async () => {
  using here = place()
  here.write({ 'system.ts': LEDGER })
  await using started = await here.start(['dev', '--port', '0'])
  await started.line(/Ctrl-C/)
  const screen = started.lines.join('\n')
  assert.match(screen, /^ledger is ready at (http:\/\/127\.0\.0\.1:\d+)\n\n {2}API +\1\/api\n {2}reference +\1\/docs\n/)
  assert.match(screen, /\n {2}ledger +an account: main\n {2}ledger +a password: open sesame\n/)
  assert.match(screen, /\n {2}data +\.trellis\/ledger {3}logs \.trellis\/ledger\/log\n/)
  assert.match(screen, /\n {2}Try\n( {4}curl http:\/\/127.*\n){3}\n {2}Ctrl-C stops it/)
  assert.ok(existsSync(join(here.folder, '.trellis/ledger/log')))
  const lines = started.lines.filter(line => line.startsWith('    curl '))
  for (const line of lines) {
    const [url, body] = [/http\S+/.exec(line)?.[0] ?? '', /-d '(.*)'$/.exec(line)?.[1]]
    const sent = body === undefined ? {} : { method: 'POST', body, headers: { 'content-type': 'application/json' } }
    assert.equal((await fetch(url, sent)).status, 200, line)
  }
})

test('--quiet tells what is told once, and nothing else', async () => {
  using here = place()
  here.write({ 'system.ts': LEDGER })
  await using started = await here.start(['dev', '--port', '0', '--quiet'])
  started.process.kill('SIGINT')
  assert.deepEqual(await started.ended, { code: 0, stdout: 'ledger: a password: open sesame\n', stderr: '' })
})

test('--reset begins from scratch', async () => {
  using here = place()
  {
    await using first = await dev(here, [HELLO])
    await greet(first.url, 'Ada')
  }
  await using second = await dev(here, [HELLO, '--reset'])
  assert.deepEqual(await greet(second.url, 'Ada'), { text: 'Hello, Ada.', times: 1 })
})

test('--reset leaves a folder alone that holds something else', async () => {
  using here = place()
  here.write({ 'photos/holiday.jpg': 'sun' })
  const { code, stderr } = await here.run(['dev', HELLO, '--data', 'photos', '--reset'])
  assert.deepEqual([code, existsSync(join(here.folder, 'photos/holiday.jpg'))], [1, true])
  assert.match(
    stderr,
    /^photos holds files that are not a system's data, so --reset leaves it alone; name another folder with --data\.\n$/,
  )
})

test('a second system on one folder is refused, and its data are not removed', async () => {
  using here = place()
  await using first = await dev(here, [HELLO])
  await greet(first.url, 'Ada')
  const refused = await here.run(['dev', HELLO, '--port', '0'])
  assert.equal(refused.code, 1)
  assert.match(
    refused.stderr,
    new RegExp(`is in use by process ${first.pid}; stop it, or choose another folder with --data\\.\\n$`),
  )
  const reset = await here.run(['dev', HELLO, '--port', '0', '--reset'])
  assert.match(reset.stderr, /is in use by process \d+; stop it before its data are removed\.\n$/)
  assert.deepEqual(await greet(first.url, 'Ada'), { text: 'Hello, Ada.', times: 2 })
})

test('a port in use is one clear line', async () => {
  using here = place()
  const other = createServer().listen(0, '127.0.0.1')
  await new Promise(listening => other.once('listening', listening))
  const { port } = other.address() as { port: number }
  const { code, stderr } = await here.run(['dev', HELLO, '--port', String(port)])
  other.close()
  assert.deepEqual([code, stderr], [1, `Port ${port} is in use; stop what uses it or choose another with --port.\n`])
})

test('a folder that cannot be made is one clear line', async () => {
  using here = place()
  here.write({ file: '' })
  const { code, stderr } = await here.run(['dev', HELLO, '--port', '0', '--data', 'file/data'])
  assert.equal(code, 1)
  assert.match(stderr, /^\S+file\/data\S*: ENOTDIR\. .+\n$/)
})

test('a second Ctrl-C does not wait for what is in hand', async () => {
  using here = place()
  here.write({ 'system.ts': LEDGER })
  await using started = await dev(here, [])
  const hanging = fetch(`${started.url}/api/hang`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  }).catch(() => undefined)
  await new Promise(heard => started.process.stderr?.on('data', text => `${text}`.includes('it hangs') && heard(true)))
  const presses = setInterval(() => started.process.kill('SIGINT'), 100)
  const { code } = await started.ended
  clearInterval(presses)
  assert.equal(code, 130)
  await hanging
})

test('--split runs each part in a process of its own, and starts a killed one again', async () => {
  using here = place()
  await using started = await dev(here, [HELLO, '--split'])
  assert.deepEqual(
    started.processes.map(({ name }) => name),
    ['hello', 'gateway'],
  )
  assert.deepEqual(await greet(started.url, 'Ada'), { text: 'Hello, Ada.', times: 1 })
  const restarted = new Promise(heard =>
    started.process.stderr?.on('data', text => `${text}`.includes('is started again') && heard(true)),
  )
  process.kill(started.processes[0]!.pid, 'SIGKILL')
  await restarted
  for (let answer: unknown; !isGreeting(answer); ) answer = await greet(started.url, 'Eve')
  started.process.kill('SIGINT')
  assert.equal((await started.ended).code, 0)
  for (const { pid } of started.processes) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
})

function isGreeting(answer: unknown): boolean {
  return typeof answer === 'object' && answer !== null && 'text' in answer
}
