import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createRuntime } from '../../kernel/index.ts'
import { openSqlite } from './sqlite.ts'

const here = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href)

/** Writes as fast as it can, two rows a transaction, and prints the number of each resolved one. Checkpoints run all the time. */
const WRITER = `
import { writeSync } from 'node:fs'
import { createRuntime } from ${here('../../kernel/index.ts')}
import { openSqlite } from ${here('./sqlite.ts')}
const store = await openSqlite(createRuntime(), { path: process.argv[1], checkpointBytes: 131072 })
// A pipe that its reader has not emptied is full for a moment.
const tell = line => {
  for (;;) {
    try {
      return writeSync(1, line)
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error
    }
  }
}
let next = Number(process.argv[2])
await Promise.all(Array.from({ length: 8 }, async () => {
  for (;;) {
    const number = next++
    await store.transaction(async tx => {
      await tx.run('insert into left_half (n) values (?)', number)
      await tx.run('insert into right_half (n) values (?)', number)
    })
    tell(number + '\\n')
  }
}))`

test('kill -9 at any moment keeps every commit that was resolved and no half of another', {
  timeout: 60_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'trellis-kill-'))
  const path = join(folder, 'store.db')
  {
    await using store = await openSqlite(createRuntime(), { path })
    await store.transaction(async tx => {
      await tx.run('create table left_half (n integer primary key)')
      await tx.run('create table right_half (n integer primary key)')
    })
  }
  const resolved = new Set<number>()
  for (let round = 0; round < 6; round++) {
    await writeUntilKilled(path, round * 1_000_000, 40 + 150 * round, resolved)
    await using store = await openSqlite(createRuntime(), { path })
    const left = (await store.reader.all<{ n: number }>('select n from left_half order by n')).map(row => row.n)
    const right = (await store.reader.all<{ n: number }>('select n from right_half order by n')).map(row => row.n)
    assert.deepEqual(left, right)
    const there = new Set(left)
    for (const number of resolved) assert.ok(there.has(number), `${number} was resolved and is lost`)
  }
  assert.ok(resolved.size >= 500, `${resolved.size} commits`)
  await rm(folder, { recursive: true })
})

/** Starts a writer and kills it once it has told of `enough` commits; a line cut off by the kill does not count. */
function writeUntilKilled(path: string, from: number, enough: number, resolved: Set<number>): Promise<void> {
  return new Promise((resolve, reject) => {
    const args = ['--conditions=trellis-source', '--input-type=module-typescript', '--eval', WRITER, path, String(from)]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    let told = 0
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      const lines = text.split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) resolved.add(Number(line))
      told += lines.length
      if (told >= enough) child.kill('SIGKILL')
    })
    child.once('error', reject)
    child.once('close', () => (told >= enough ? resolve() : reject(new Error('the writer ended by itself'))))
  })
}
