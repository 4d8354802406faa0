import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { File } from '../kernel/index.ts'
import { createVirtualRuntime, type VirtualRuntime } from './index.ts'

const create = (seed = 1): VirtualRuntime => createVirtualRuntime({ seed })

async function text(runtime: VirtualRuntime, path: string): Promise<string | undefined> {
  const bytes = await runtime.fs.read(path)
  return bytes === undefined ? undefined : Buffer.from(bytes).toString()
}

/** A file in which `durable` was flushed and `cached` was not. */
async function written(runtime: VirtualRuntime, durable: string, cached: string): Promise<File> {
  const file = await runtime.fs.open('/log')
  await file.append(durable)
  await file.datasync()
  await file.append(cached)
  return file
}

describe('files', () => {
  test('are written, read, appended to, emptied and removed', async () => {
    const runtime = create()
    await runtime.fs.makeFolder('/a/b')
    await runtime.fs.write('/a/b/x', 'one')
    const file = await runtime.fs.open('/a/b/x')
    await file.append(Buffer.from(' two'))
    assert.equal(await text(runtime, '/a/./b/x'), 'one two')
    assert.equal(await file.size(), 7)
    await file.truncate()
    assert.equal(await file.size(), 0)
    await runtime.fs.remove('/a')
    assert.equal(await text(runtime, '/a/b/x'), undefined)
    await assert.rejects(runtime.fs.write('/a/b/x', ''), { reason: 'DISK_FAILED', message: /ENOENT/ })
  })

  test('are not shared with the caller\u2019s bytes', async () => {
    const runtime = create()
    const bytes = Buffer.from('abc')
    const file = await runtime.fs.open('/y')
    const writing = runtime.fs.write('/x', bytes)
    const appending = file.append(bytes)
    bytes.fill(0)
    await Promise.all([writing, appending])
    const read = await runtime.fs.read('/x')
    read?.fill(0)
    assert.equal(await text(runtime, '/x'), 'abc')
    assert.equal(await text(runtime, '/y'), 'abc')
  })

  test('keep to their kind', async () => {
    const { fs } = create()
    await fs.makeFolder('/folder')
    await fs.write('/file', '')
    for (const work of [fs.read('/folder'), fs.write('/folder', ''), fs.open('/folder'), fs.makeFolder('/file/x')]) {
      await assert.rejects(work, { code: 'unavailable', reason: 'DISK_FAILED' })
    }
  })

  test('are dead once closed', async () => {
    const file = await create().fs.open('/x')
    await file[Symbol.asyncDispose]()
    await assert.rejects(file.append('x'), { reason: 'DISK_FAILED' })
  })
})

describe('a power cut', () => {
  test('keeps what was flushed and replaced, and tears the rest by the seed', async () => {
    const left = new Set<string>()
    for (let seed = 0; seed < 60; seed++) {
      const runtime = create(seed)
      await written(runtime, 'durable ', 'cached')
      await runtime.fs.write('/whole', 'x'.repeat(100))
      runtime.fs.crash()
      const log = (await text(runtime, '/log')) ?? ''
      assert.ok(log.startsWith('durable ') && 'durable cached'.startsWith(log))
      assert.equal(await text(runtime, '/whole'), 'x'.repeat(100))
      left.add(log)
    }
    // Nothing, everything and every part of the last six bytes.
    assert.equal(left.size, 7)
  })

  test('is the same for the same seed', async () => {
    const runs = await Promise.all(
      [5, 5].map(async seed => {
        const runtime = create(seed)
        await written(runtime, '', 'cached '.repeat(50))
        runtime.fs.crash()
        return text(runtime, '/log')
      }),
    )
    assert.equal(runs[0], runs[1])
  })

  test('kills open files and what they are doing', async () => {
    const runtime = create()
    const file = await written(runtime, 'durable', '')
    const appending = file.append('more')
    const writing = runtime.fs.write('/new', 'x')
    runtime.fs.crash()
    await assert.rejects(appending, { reason: 'DISK_FAILED' })
    await assert.rejects(writing, { reason: 'DISK_FAILED' })
    await assert.rejects(file.datasync(), { reason: 'DISK_FAILED' })
    assert.equal(await text(runtime, '/log'), 'durable')
    assert.equal(await text(runtime, '/new'), undefined)
  })

  test('during a flush may lose what it flushes', async () => {
    const lengths = new Set<number | undefined>()
    for (let seed = 0; seed < 20; seed++) {
      const runtime = create(seed)
      const file = await written(runtime, '', 'cached')
      const flushing = assert.rejects(file.datasync())
      runtime.fs.crash()
      await flushing
      lengths.add((await text(runtime, '/log'))?.length)
    }
    assert.ok(lengths.has(0) && lengths.size > 2)
  })

  test('after a flush keeps what was appended before it began, not what came meanwhile', async () => {
    const runtime = create(3)
    runtime.fs.trouble({ operation: 'datasync', delayMs: 10, times: 1 })
    const file = await runtime.fs.open('/log')
    await file.append('before')
    const flushed = file.datasync()
    await file.append(' meanwhile'.repeat(100))
    await runtime.run(flushed)
    runtime.fs.crash()
    const log = (await text(runtime, '/log')) ?? ''
    assert.ok(log.startsWith('before') && log.length < 1006)
  })
})

describe('trouble', () => {
  test('fails an operation as often as it should, on its path', async () => {
    const { fs } = create()
    fs.trouble({ operation: 'write', path: '/x', code: 'EROFS', times: 2 })
    await fs.write('/other', '')
    for (let attempt = 0; attempt < 2; attempt++) {
      await assert.rejects(fs.write('/x', ''), { reason: 'DISK_FAILED', message: /read-only/ })
    }
    await fs.write('/x', '')
  })

  test('is taken back', async () => {
    const { fs } = create()
    const mend = fs.trouble({ operation: 'open', code: 'EACCES' })
    await assert.rejects(fs.open('/x'), { message: /permission/ })
    mend()
    await fs.open('/x')
  })

  test('takes virtual time', async () => {
    const runtime = create()
    runtime.fs.trouble({ operation: 'read', delayMs: 40 })
    await runtime.run(runtime.fs.read('/x'))
    assert.equal(runtime.clock.monotonic(), 40)
  })

  test('with a flush loses the bytes for good, though they can still be read', async () => {
    const runtime = create()
    const file = await written(runtime, 'durable ', 'lost ')
    runtime.fs.trouble({ operation: 'datasync', code: 'EIO', times: 1 })
    await assert.rejects(file.datasync(), { reason: 'DISK_FAILED' })
    await file.append('later')
    await file.datasync()
    assert.equal(await text(runtime, '/log'), 'durable lost later')
    runtime.fs.crash()
    assert.equal(await text(runtime, '/log'), 'durable \0\0\0\0\0later')
  })
})

test('a full disk takes what fits of an append, and nothing of a write', async () => {
  const runtime = create()
  await runtime.fs.write('/x', 'old')
  const file = await runtime.fs.open('/log')
  runtime.fs.limit(8)
  await assert.rejects(file.append('1234567'), { code: 'unavailable', reason: 'DISK_FULL' })
  assert.equal(await text(runtime, '/log'), '12345')
  await assert.rejects(runtime.fs.write('/x', 'new'), { reason: 'DISK_FULL' })
  assert.equal(await text(runtime, '/x'), 'old')
  runtime.fs.limit(100)
  await file.append('67')
  assert.equal(await text(runtime, '/log'), '1234567')
})

describe('a watch', () => {
  test('tells of every change of its file and of no other', async () => {
    const runtime = create()
    let told = 0
    const stop = runtime.fs.watch('/x', () => told++)
    await runtime.fs.write('/x', '')
    await runtime.fs.write('/x', '')
    const file = await runtime.fs.open('/x')
    await file.append('1')
    await file.truncate()
    await runtime.fs.write('/other', '')
    await runtime.fs.remove('/x')
    await runtime.settle()
    assert.equal(told, 5)
    stop()
    await runtime.fs.write('/x', '')
    await runtime.settle()
    assert.equal(told, 5)
  })

  test('in a folder that is not there is a fault', () => {
    assert.throws(() => create().fs.watch('/no/x', () => undefined), { reason: 'DISK_FAILED' })
  })
})
