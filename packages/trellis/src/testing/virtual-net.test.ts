import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { describe, test } from 'node:test'
import type { Address, Listener } from '../kernel/index.ts'
import { createVirtualRuntime, type VirtualRuntime } from './index.ts'

const anywhere: Address = { host: '127.0.0.1', port: 0 }

interface World {
  readonly runtime: VirtualRuntime
  readonly listener: Listener
  readonly near: Duplex
  readonly far: Duplex
}

/** A runtime with one connection. */
async function connected(seed = 1): Promise<World> {
  const runtime = createVirtualRuntime({ seed })
  const accepted = Promise.withResolvers<Duplex>()
  const listener = await runtime.net.listen(anywhere, accepted.resolve)
  const near = await runtime.net.connect(listener.address)
  return { runtime, listener, near, far: await accepted.promise }
}

/** When and what arrives. */
function arrivals(runtime: VirtualRuntime, stream: Duplex): string[] {
  const log: string[] = []
  stream.on('data', chunk => log.push(`${runtime.clock.monotonic()} ${chunk}`))
  stream.on('end', () => log.push(`${runtime.clock.monotonic()} end`))
  stream.on('error', error => log.push(`${runtime.clock.monotonic()} ${(error as NodeJS.ErrnoException).code}`))
  return log
}

describe('a connection', () => {
  test('carries bytes both ways and in order, and ends', async () => {
    const { runtime, near, far } = await connected()
    const atNear = arrivals(runtime, near)
    const atFar = arrivals(runtime, far)
    near.write('a')
    near.write('b')
    far.end('c')
    await runtime.settle()
    assert.deepEqual(atFar, ['0 a', '0 b', '0 end'])
    assert.deepEqual(atNear, ['0 c', '0 end'])
    assert.ok(near.destroyed && far.destroyed)
  })

  test('passes a writer on only as fast as the reader reads', async () => {
    const { runtime, near, far } = await connected()
    let written = 0
    const chunk = Buffer.alloc(16_384)
    const writeAll = (async () => {
      for (let count = 0; count < 64; count++) {
        if (!near.write(chunk)) await once(near, 'drain')
        written += chunk.length
      }
      near.end()
    })()
    await runtime.settle()
    assert.ok(written < 300_000, `${written} bytes were taken though nobody reads`)
    const read = Buffer.concat(await far.toArray())
    await writeAll
    assert.equal(read.length, 64 * 16_384)
  })

  test('that is destroyed ends for the other side, whose later bytes reset it', async () => {
    const { runtime, near, far } = await connected()
    const atFar = arrivals(runtime, far)
    far.allowHalfOpen = true
    near.destroy()
    await runtime.settle()
    assert.deepEqual(atFar, ['0 end'])
    far.write('anyone?')
    await runtime.settle()
    assert.deepEqual(atFar, ['0 end', '0 ECONNRESET'])
  })

  test('that is destroyed with bytes unread is reset', async () => {
    const { runtime, near, far } = await connected()
    const atNear = arrivals(runtime, near)
    near.write('a'.repeat(40_000))
    near.write('b'.repeat(40_000))
    await runtime.settle()
    far.destroy()
    await runtime.settle()
    assert.deepEqual(atNear, ['0 ECONNRESET'])
  })

  test('is not shared with the writer\u2019s buffer', async () => {
    const { runtime, near, far } = await connected()
    const log = arrivals(runtime, far)
    const buffer = Buffer.from('abc')
    near.write(buffer)
    buffer.fill(0)
    await runtime.settle()
    assert.deepEqual(log, ['0 abc'])
  })
})

describe('listening', () => {
  test('gives out free ports, and refuses one in use', async () => {
    const { net } = createVirtualRuntime({ seed: 1 })
    const one = await net.listen(anywhere, () => undefined)
    const other = await net.listen(anywhere, () => undefined)
    assert.notEqual(one.address.port, other.address.port)
    const taken = { code: 'failed_precondition', reason: 'PORT_IN_USE' }
    await assert.rejects(
      net.listen(one.address, () => undefined),
      taken,
    )
    await assert.rejects(
      net.listen({ ...one.address, host: '0.0.0.0' }, () => undefined),
      taken,
    )
    await one.close()
    await net.listen(one.address, () => undefined)
    await net.listen({ host: '10.0.0.2', port: other.address.port }, () => undefined)
  })

  test('on any host answers for each', async () => {
    const { net } = createVirtualRuntime({ seed: 1 })
    const listener = await net.listen({ host: '0.0.0.0', port: 80 }, connection => connection.end('hello'))
    const connection = await net.connect({ host: '10.0.0.7', port: 80 })
    assert.equal(Buffer.concat(await connection.toArray()).toString(), 'hello')
    await listener.close()
  })

  test('that has stopped keeps its connections and takes no new ones', async () => {
    const { runtime, listener, near, far } = await connected()
    await listener.close()
    await assert.rejects(runtime.net.connect(listener.address), { code: 'unavailable', reason: 'CONNECT_FAILED' })
    const log = arrivals(runtime, far)
    near.write('still')
    await runtime.settle()
    assert.deepEqual(log, ['0 still'])
  })
})

describe('delay', () => {
  test('holds for each direction, and never lets bytes overtake', async () => {
    const { runtime, near, far } = await connected()
    const log = arrivals(runtime, far)
    const faster = runtime.net.delay(20)
    near.write('slow')
    faster()
    near.write('fast')
    await runtime.advance(19)
    assert.deepEqual(log, [])
    await runtime.advance(1)
    assert.deepEqual(log, ['20 slow', '20 fast'])
  })

  test('is paid there and back by who connects', async () => {
    const { runtime, listener } = await connected()
    runtime.net.delay(15)
    await runtime.run(runtime.net.connect(listener.address))
    assert.equal(runtime.clock.monotonic(), 30)
  })

  test('is drawn between its bounds by the seed', async () => {
    const measure = async (seed: number): Promise<string[]> => {
      const { runtime, near, far } = await connected(seed)
      const log = arrivals(runtime, far)
      runtime.net.delay(10, 50)
      for (let count = 0; count < 5; count++) {
        near.write(`${count}`)
        await runtime.advance(100)
      }
      return log
    }
    const first = await measure(1)
    assert.deepEqual(first, await measure(1))
    assert.notDeepEqual(first, await measure(2))
    for (const [index, line] of first.entries()) {
      const took = Number.parseFloat(line) - index * 100
      assert.ok(took >= 10 && took <= 50, line)
    }
  })

  test('of no sense is refused', () => {
    const { net } = createVirtualRuntime({ seed: 1 })
    for (const [min, max] of [
      [-1, 1],
      [5, 4],
      [Number.NaN, 1],
    ] as const)
      assert.throws(() => net.delay(min, max), RangeError)
  })
})

describe('trouble', () => {
  test('cut resets both ends at once', async () => {
    const { runtime, near, far } = await connected()
    const atNear = arrivals(runtime, near)
    const atFar = arrivals(runtime, far)
    near.write('never arrives')
    runtime.net.cut()
    await runtime.settle()
    assert.deepEqual([atNear, atFar], [['0 ECONNRESET'], ['0 ECONNRESET']])
  })

  test('cut of another address cuts nothing', async () => {
    const { runtime, listener, near } = await connected()
    runtime.net.cut({ port: listener.address.port + 1 })
    runtime.net.cut({ host: '10.0.0.1' })
    await runtime.settle()
    assert.equal(near.destroyed, false)
  })

  test('refuse refuses new connections until it is taken back', async () => {
    const { runtime, listener, near } = await connected()
    const back = runtime.net.refuse({ port: listener.address.port })
    await assert.rejects(runtime.net.connect(listener.address), { reason: 'CONNECT_FAILED' })
    assert.equal(near.destroyed, false)
    back()
    await runtime.net.connect(listener.address)
  })

  test('a partition holds back bytes and connections, and lets them on when it heals', async () => {
    const { runtime, listener, near, far } = await connected()
    const log = arrivals(runtime, far)
    const heal = runtime.net.partition({ host: '127.0.0.1' })
    near.write('a')
    const connecting = runtime.net.connect(listener.address)
    let isConnected = false
    void connecting.then(() => {
      isConnected = true
    })
    await runtime.advance(60_000)
    near.write('b')
    await runtime.settle()
    assert.deepEqual(log, [])
    assert.equal(isConnected, false)
    heal()
    near.write('c')
    await connecting
    assert.deepEqual(log, ['60000 a', '60000 b', '60000 c'])
  })

  test('two partitions hold until both have healed', async () => {
    const { runtime, near, far } = await connected()
    const log = arrivals(runtime, far)
    const healOne = runtime.net.partition()
    const healOther = runtime.net.partition()
    near.write('a')
    await runtime.settle()
    healOne()
    await runtime.settle()
    assert.deepEqual(log, [])
    healOther()
    await runtime.settle()
    assert.deepEqual(log, ['0 a'])
  })
})
