import assert from 'node:assert/strict'
import { chmod, chown, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { createRuntime } from './runtime-node.ts'

const { fs } = createRuntime()
let root: string
let folder: string
let count = 0

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'trellis-files-'))
})
beforeEach(async () => {
  folder = join(root, String(count++))
  await fs.makeFolder(folder)
})
after(() => rm(root, { recursive: true, force: true }))

const text = async (path: string): Promise<string | undefined> => {
  const bytes = await fs.read(path)
  return bytes === undefined ? undefined : Buffer.from(bytes).toString()
}

describe('write', () => {
  test('makes a file that only its owner may read, and leaves nothing beside it', async () => {
    const path = join(folder, 'key')
    await fs.write(path, 'secret')
    assert.equal(await text(path), 'secret')
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    assert.deepEqual(await readdir(folder), ['key'])
  })

  test('replaces the contents and takes the mode it is given', async () => {
    const path = join(folder, 'page')
    await fs.write(path, 'a long first text')
    await fs.write(path, Uint8Array.of(0, 255), { mode: 0o644 })
    assert.deepEqual([...((await fs.read(path)) ?? [])], [0, 255])
    assert.equal((await stat(path)).mode & 0o777, 0o644)
  })

  test('shows a reader the old or the new contents, never a part', async () => {
    const path = join(folder, 'state')
    const contents = ['a', 'b'].map(letter => letter.repeat(300_000))
    await fs.write(path, contents[0] ?? '')
    let writing = true
    const writer = (async () => {
      for (let round = 0; round < 10; round++) await fs.write(path, contents[round % 2] ?? '')
      writing = false
    })()
    while (writing) assert.ok(contents.includes((await text(path)) ?? ''))
    await writer
  })

  test('at the same time by several leaves one of them whole', async () => {
    const path = join(folder, 'state')
    const contents = Array.from({ length: 8 }, (_, index) => String(index).repeat(10_000))
    await Promise.all(contents.map(each => fs.write(path, each)))
    assert.ok(contents.includes((await text(path)) ?? ''))
    assert.deepEqual(await readdir(folder), ['state'])
  })

  test('that fails leaves the old contents and no temporary file', async () => {
    const path = join(folder, 'taken')
    await fs.makeFolder(path)
    await assert.rejects(fs.write(path, 'x'), { code: 'unavailable', reason: 'DISK_FAILED' })
    assert.deepEqual(await readdir(folder), ['taken'])
  })

  test('into a folder that is not there, or below a file, says so', async () => {
    await assert.rejects(fs.write(join(folder, 'no', 'x'), 'x'), { reason: 'DISK_FAILED', message: /ENOENT.*make it/ })
    await fs.write(join(folder, 'file'), 'x')
    await assert.rejects(fs.write(join(folder, 'file', 'x'), 'x'), { reason: 'DISK_FAILED', message: /ENOTDIR/ })
  })
})

test('what is not there reads as undefined; what cannot be read is a fault', async () => {
  assert.equal(await fs.read(join(folder, 'no')), undefined)
  await assert.rejects(fs.read(folder), { code: 'unavailable', reason: 'DISK_FAILED', message: /EISDIR/ })
})

describe('an open file', () => {
  test('appends to what is there', async () => {
    const path = join(folder, 'log')
    await fs.write(path, 'one ')
    {
      await using file = await fs.open(path)
      await file.append('two ')
      await file.append(Buffer.from('three'))
      await file.datasync()
      assert.equal(await file.size(), 13)
    }
    assert.equal(await text(path), 'one two three')
  })

  test('is emptied for all that have it open', async () => {
    const path = join(folder, 'wake')
    await using file = await fs.open(path)
    await using other = await fs.open(path)
    await file.append('....')
    await other.truncate()
    assert.equal(await file.size(), 0)
    await file.append('.')
    assert.equal(await text(path), '.')
  })

  test('is made when it is not there', async () => {
    await using file = await fs.open(join(folder, 'new'))
    assert.equal(await file.size(), 0)
  })

  test('may be closed twice, and then fails with a fault', async () => {
    const file = await fs.open(join(folder, 'log'))
    await file[Symbol.asyncDispose]()
    await file[Symbol.asyncDispose]()
    await assert.rejects(file.append('x'), { reason: 'DISK_FAILED' })
  })

  test('on a full disk fails with DISK_FULL', { skip: process.platform !== 'linux' && 'needs /dev/full' }, async () => {
    const path = join(folder, 'full')
    await symlink('/dev/full', path)
    await using file = await fs.open(path)
    await assert.rejects(file.append('x'), { code: 'unavailable', reason: 'DISK_FULL', message: /free some space/ })
  })
})

test('missing permission is a fault that says what to do', { skip: process.platform === 'win32' }, async () => {
  const path = join(folder, 'own')
  await writeFile(path, 'x')
  await chmod(path, 0)
  await chmod(root, 0o755)
  await chmod(folder, 0o555)
  const denied = { code: 'unavailable', reason: 'DISK_FAILED', message: /permission/ }
  await withoutPrivileges(async () => {
    await assert.rejects(fs.read(path), denied)
    await assert.rejects(fs.open(path), denied)
    await assert.rejects(fs.write(join(folder, 'other'), 'x'), denied)
    await assert.rejects(fs.makeFolder(join(folder, 'below')), denied)
    await assert.rejects(fs.remove(path), denied)
  })
  await chmod(folder, 0o755)
})

/** Runs `work` as an ordinary user, for root may do everything. */
async function withoutPrivileges(work: () => Promise<void>): Promise<void> {
  if (process.geteuid?.() !== 0) return work()
  await chown(folder, 65_534, 65_534)
  process.seteuid?.(65_534)
  try {
    await work()
  } finally {
    process.seteuid?.(0)
  }
}

test('folders are made with those above them, and removed with all they hold', async () => {
  const deep = join(folder, 'a', 'b', 'c')
  await fs.makeFolder(deep)
  await fs.makeFolder(deep)
  await fs.write(join(deep, 'x'), 'x')
  await fs.remove(join(folder, 'a'))
  assert.deepEqual(await readdir(folder), [])
  await fs.remove(join(folder, 'a'))
  await fs.remove(join(folder, 'no', 'such', 'folder'))
})

test('a folder is its owner\u2019s alone, whatever the umask says', {
  skip: process.platform === 'win32',
}, async () => {
  await fs.makeFolder(join(folder, 'data', 'users'))
  assert.equal((await stat(join(folder, 'data'))).mode & 0o777, 0o700)
  assert.equal((await stat(join(folder, 'data', 'users'))).mode & 0o777, 0o700)
})

test('a file where a folder should be is a fault', async () => {
  const path = join(folder, 'file')
  await fs.write(path, 'x')
  await assert.rejects(fs.makeFolder(path), { reason: 'DISK_FAILED' })
})

describe('watch', () => {
  /** A watch, and a promise of its next call. */
  const watch = (path: string): { next: () => Promise<void>; stop: () => void } => {
    let told: (() => void) | undefined
    const stop = fs.watch(path, () => told?.())
    const next = (): Promise<void> =>
      new Promise(done => {
        told = done
      })
    return { next, stop }
  }
  // A watch does not keep the process, and these tests wait for nothing else.
  const hold = (): Disposable => {
    const timer = setTimeout(() => assert.fail('the watch did not tell'), 10_000)
    return { [Symbol.dispose]: () => clearTimeout(timer) }
  }

  test('tells of an append', async () => {
    using _held = hold()
    const path = join(folder, 'wake')
    await using file = await fs.open(path)
    const { next, stop } = watch(path)
    const told = next()
    await file.append('x')
    await told
    stop()
  })

  test('tells of each replacement, not only the first', async () => {
    using _held = hold()
    const path = join(folder, 'config')
    await fs.write(path, '0')
    const { next, stop } = watch(path)
    // A replacement is told of in a few calls. More of them than those of one replacement could account for:
    for (let round = 1; round <= 12; round++) {
      const told = next()
      await fs.write(path, String(round))
      await told
    }
    stop()
  })

  test('tells when a file that is not there is made, removed and made again', async () => {
    using _held = hold()
    const path = join(folder, 'later')
    const { next, stop } = watch(path)
    for (let round = 1; round <= 12; round++) {
      const told = next()
      await (round % 2 === 1 ? fs.write(path, 'x') : fs.remove(path))
      await told
    }
    stop()
  })

  test('in a folder that is not there is a fault', () => {
    assert.throws(() => fs.watch(join(folder, 'no', 'x'), () => undefined), { reason: 'DISK_FAILED' })
  })
})
