import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createVirtualRuntime } from '../testing/index.ts'
import { isFault } from './fault.ts'
import { Lifecycle, type Part } from './lifecycle.ts'

function part(name: string, log: string[], own: Partial<Part> = {}): Part {
  return {
    name,
    start: async () => void log.push(`start ${name}`),
    stop: async () => void log.push(`stop ${name}`),
    ...own,
  }
}

const never = new Promise<never>(() => undefined)

test('parts start in order, one after the other, and stop in reverse order', async () => {
  const log: string[] = []
  const slow = part('b', log, {
    start: async () => {
      log.push('starting b')
      await Promise.resolve()
      log.push('started b')
    },
  })
  const lifecycle = new Lifecycle(createVirtualRuntime({ seed: 1 }), [part('a', log), slow, part('c', log)])
  await lifecycle.start()
  await lifecycle.stop()
  assert.deepEqual(log, ['start a', 'starting b', 'started b', 'start c', 'stop c', 'stop b', 'stop a'])
})

test('a part may have neither start nor stop', async () => {
  const lifecycle = new Lifecycle(createVirtualRuntime({ seed: 1 }), [{ name: 'plain' }])
  await lifecycle.start()
  await lifecycle.stop()
})

test('a failing start stops what had started and the failing part itself, and is what start rejects with', async () => {
  const log: string[] = []
  const failure = new Error('no disk')
  const lifecycle = new Lifecycle(createVirtualRuntime({ seed: 1 }), [
    part('a', log),
    part('b', log, { start: () => Promise.reject(failure) }),
    part('c', log),
  ])
  await assert.rejects(lifecycle.start(), failure)
  assert.deepEqual(log, ['start a', 'stop b', 'stop a'])
})

test('a start that throws at once is a failing start', async () => {
  const log: string[] = []
  const throws = part('b', log, {
    start: () => {
      throw new Error('no disk')
    },
  })
  const lifecycle = new Lifecycle(createVirtualRuntime({ seed: 1 }), [part('a', log), throws])
  await assert.rejects(lifecycle.start(), /no disk/)
  assert.deepEqual(log, ['start a', 'stop b', 'stop a'])
})

test('a failing stop keeps no other part from stopping; the rejection names the parts', async () => {
  const log: string[] = []
  const lifecycle = new Lifecycle(createVirtualRuntime({ seed: 1 }), [
    part('a', log, { stop: () => Promise.reject(new Error('a is stuck')) }),
    part('b', log),
    part('c', log, {
      stop: () => {
        throw new Error('c is stuck')
      },
    }),
  ])
  await lifecycle.start()
  await assert.rejects(lifecycle.stop(), error => {
    assert.ok(error instanceof AggregateError)
    assert.deepEqual(
      error.errors.map(each => [each.message, each.cause.message]),
      [
        ['c failed to stop', 'c is stuck'],
        ['a failed to stop', 'a is stuck'],
      ],
    )
    return true
  })
  assert.deepEqual(log, ['start a', 'start b', 'start c', 'stop b'])
})

test('a part that does not stop is left behind after its time, ten seconds by default', async () => {
  const log: string[] = []
  const runtime = createVirtualRuntime({ seed: 1 })
  const lifecycle = new Lifecycle(runtime, [
    part('a', log),
    part('b', log, { stop: () => never }),
    part('c', log, { stop: () => never, stopTimeoutMs: 500 }),
  ])
  await lifecycle.start()
  const stopped = lifecycle.stop()
  const failed = assert.rejects(stopped, error => {
    assert.ok(error instanceof AggregateError)
    const faults = error.errors.filter(each => isFault(each, 'STOP_TIMEOUT'))
    assert.deepEqual(
      faults.map(fault => fault.message),
      ['c did not stop within 500 ms.', 'b did not stop within 10000 ms.'],
    )
    return true
  })
  await runtime.advance(10_499)
  assert.deepEqual(log.slice(3), [])
  await runtime.advance(1)
  await failed
  assert.deepEqual(log.slice(3), ['stop a'])
})

test('stopping leaves no timer behind, also when a stop fails or throws', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  const throws = (): never => {
    throw new Error('stuck')
  }
  const lifecycle = new Lifecycle(runtime, [
    { name: 'a', stop: async () => undefined },
    { name: 'b', stop: throws },
    { name: 'c', stop: () => Promise.reject(new Error('stuck')) },
  ])
  await lifecycle.start()
  await assert.rejects(lifecycle.stop(), AggregateError)
  assert.equal(runtime.pendingTimers, 0)
})

test('stopping twice stops once', async () => {
  const log: string[] = []
  const lifecycle = new Lifecycle(createVirtualRuntime({ seed: 1 }), [part('a', log)])
  await lifecycle.start()
  assert.equal(lifecycle.stop(), lifecycle.stop())
  await lifecycle.stop()
  assert.deepEqual(log, ['start a', 'stop a'])
})

test('starting twice starts once', async () => {
  const log: string[] = []
  const lifecycle = new Lifecycle(createVirtualRuntime({ seed: 1 }), [part('a', log)])
  await Promise.all([lifecycle.start(), lifecycle.start()])
  assert.deepEqual(log, ['start a'])
})

test('what was never started is not stopped, and does not start afterwards', async () => {
  const log: string[] = []
  const lifecycle = new Lifecycle(createVirtualRuntime({ seed: 1 }), [part('a', log)])
  await lifecycle.stop()
  await assert.rejects(lifecycle.start(), { code: 'cancelled' })
  assert.deepEqual(log, [])
})

test('stopping while a part starts waits for it, stops it too and starts no other', async () => {
  const log: string[] = []
  const opening = Promise.withResolvers<void>()
  const lifecycle = new Lifecycle(createVirtualRuntime({ seed: 1 }), [
    part('a', log),
    part('b', log, { start: () => opening.promise }),
    part('c', log),
  ])
  const started = assert.rejects(lifecycle.start(), { code: 'cancelled' })
  const { settle } = createVirtualRuntime({ seed: 1 })
  await settle()
  const stopped = lifecycle.stop()
  await settle()
  assert.deepEqual(log, ['start a'])
  opening.resolve()
  await Promise.all([started, stopped])
  assert.deepEqual(log, ['start a', 'stop b', 'stop a'])
})

test('stopping while the last part starts rejects the start', async () => {
  const log: string[] = []
  const opening = Promise.withResolvers<void>()
  const lifecycle = new Lifecycle(createVirtualRuntime({ seed: 1 }), [part('a', log, { start: () => opening.promise })])
  const started = assert.rejects(lifecycle.start(), { code: 'cancelled' })
  const stopped = lifecycle.stop()
  opening.resolve()
  await Promise.all([started, stopped])
  assert.deepEqual(log, ['stop a'])
})

test('stopping waits for a start that hangs no longer than the part may take to stop', async () => {
  const log: string[] = []
  const runtime = createVirtualRuntime({ seed: 1 })
  const lifecycle = new Lifecycle(runtime, [part('a', log), part('b', log, { start: () => never, stopTimeoutMs: 500 })])
  void lifecycle.start()
  await runtime.settle()
  const stopped = lifecycle.stop()
  await runtime.advance(500)
  await stopped
  assert.deepEqual(log, ['start a', 'stop b', 'stop a'])
})
