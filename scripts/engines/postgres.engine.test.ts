import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { watch } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { requireTool } from '../tool-cache.ts'
import { startPostgres } from './postgres.ts'

const skip = requireTool('postgres', 'the tests of a PostgreSQL server of our own') === undefined

async function answers(url: string): Promise<boolean> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

test('a server answers when it is started, and no longer when it is stopped', { skip }, async () => {
  await using server = await startPostgres()
  assert.equal(await answers(server.url), true)
  await server.stop()
  assert.equal(await answers(server.url), false)
})

test('two servers at once have ports of their own', { skip }, async () => {
  await using first = await startPostgres()
  await using second = await startPostgres({ durable: true })
  assert.notEqual(first.url, second.url)
})

test('a setting that PostgreSQL does not know is told with its words', { skip }, async () => {
  await assert.rejects(startPostgres({ settings: { no_such_setting: '1' } }), /did not start:[\s\S]*no_such_setting/)
})

test('a server ends with the process that started it', { skip: skip || process.platform !== 'linux' }, async t => {
  const home = mkdtempSync(join(tmpdir(), 'trellis-orphan-'))
  t.after(() => rmSync(home, { recursive: true, force: true }))
  chmodSync(home, 0o711)
  const program = `
    const { startPostgres } = await import(${JSON.stringify(new URL('./postgres.ts', import.meta.url).href)})
    console.log((await startPostgres()).url)
    setInterval(() => {}, 1000)`
  const parent = spawn(process.execPath, [...process.execArgv, '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: home },
  })
  const [url] = await once(parent.stdout.setEncoding('utf8'), 'data')
  assert.equal(await answers(url), true)
  const data = join(home, readdirSync(home)[0]!, 'data')
  const changes = watch(data)
  parent.kill('SIGKILL')
  // Removing this file is the last thing that PostgreSQL does.
  for await (const _ of changes) if (!existsSync(join(data, 'postmaster.pid'))) break
  assert.equal(await answers(url), false)
})
