import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createRuntime, isFault } from '../kernel/index.ts'
import { folderOwner, lockFolder } from './folder-lock.ts'

const runtime = createRuntime()

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'trellis-lock-'))
  try {
    await body(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

test('a folder of a live process is refused, and names it', () =>
  inFolder(async folder => {
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    try {
      await writeFile(join(folder, 'running.json'), JSON.stringify({ pid: other.pid }))
      await assert.rejects(
        lockFolder(runtime, folder),
        fault => isFault(fault, 'FOLDER_IN_USE') && fault.message.includes(String(other.pid)),
      )
    } finally {
      other.kill('SIGKILL')
    }
  }))

test('a folder that a dead process left is taken, and so is one whose lock was cut short', () =>
  inFolder(async folder => {
    const other = spawn(process.execPath, ['-e', ''])
    await new Promise(resolve => other.once('exit', resolve))
    for (const left of [JSON.stringify({ pid: other.pid }), '{"pi']) {
      await writeFile(join(folder, 'running.json'), left)
      const lock = await lockFolder(runtime, folder)
      await lock.release()
    }
  }))

test(
  'a folder whose owner died is free although another process has its id by now',
  {
    skip: process.platform !== 'linux' && 'only Linux tells when a process was started',
  },
  () =>
    inFolder(async folder => {
      const lock = await lockFolder(runtime, folder)
      assert.equal(await folderOwner(runtime, folder), process.pid)
      const path = join(folder, 'running.json')
      const held = JSON.parse(await readFile(path, 'utf8'))
      await writeFile(path, JSON.stringify({ ...held, started: 'in an earlier life' }))
      assert.equal(await folderOwner(runtime, folder), undefined)
      await lock.release()
    }),
)
