import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
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
  await assert.rejects(startPostgres({ settings: { no_such_setting: '1' } }), /did not start:[^]*no_such_setting/)
})

test('a server ends with the process that started it', { skip: skip || process.platform !== 'linux' }, async () => {
  const program = `
    const { startPostgres } = await import(${JSON.stringify(new URL('./postgres.ts', import.meta.url).href)})
    const { pid } = await startPostgres()
    console.log(pid)
    setInterval(() => {}, 1000)`
  const parent = spawn(process.execPath, [...process.execArgv, '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(parent.stdout.setEncoding('utf8'), 'data')
  const stat = `/proc/${Number(line)}/stat`
  assert.ok(existsSync(stat))
  parent.kill('SIGKILL')
  const { readFileSync } = await import('node:fs')
  const isRunning = (): boolean => existsSync(stat) && !/\) Z /.test(readFileSync(stat, 'utf8'))
  while (isRunning()) await new Promise(setImmediate)
})
