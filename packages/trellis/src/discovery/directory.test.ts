import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault, isFault } from '../kernel/index.ts'
import { roundRobin } from './balance/round-robin.ts'
import { Directory } from './directory.ts'
import type { Instance, Registry } from './discovery.ts'
import { staticRegistry } from './static.ts'

const address = { host: 'h', port: 80 }
const balancer = () => roundRobin(() => 0)
const of = (id: string): Instance => ({ id, service: 's', address, metadata: {} })

/** A registry that a test holds in its hands. */
function manual(): {
  registry: Registry
  watches: () => number
  tell: (list: Instance[]) => void
  fail: (yes: boolean) => void
} {
  let failing = false
  const listeners = new Set<(list: readonly Instance[]) => void>()
  const registry: Registry = {
    ...staticRegistry({}),
    async watch(_service, changed) {
      if (failing) throw new Fault('unavailable', 'away')
      changed([])
      listeners.add(changed)
      return { instances: [], [Symbol.asyncDispose]: async () => void listeners.delete(changed) }
    },
  }
  return {
    registry,
    watches: () => listeners.size,
    tell: list => listeners.forEach(changed => void changed(list)),
    fail: yes => {
      failing = yes
    },
  }
}

test('callers of one service share one watch', async () => {
  const { registry, watches } = manual()
  await using directory = new Directory({ registry, balancer })
  await Promise.all([directory.service('s'), directory.service('s')])
  assert.equal(watches(), 1)
})

test('a choice is made from the latest list', async () => {
  const { registry, tell } = manual()
  await using directory = new Directory({ registry, balancer })
  const service = await directory.service('s')
  tell([of('a')])
  assert.equal(service.pick().instance.id, 'a')
  tell([of('b'), of('c')])
  assert.equal(service.pick(new Set(['c'])).instance.id, 'b')
})

test('without instances the caller hears which service is missing', async () => {
  await using directory = new Directory({ registry: staticRegistry({}), balancer })
  const service = await directory.service('s')
  assert.throws(
    () => service.pick(),
    error => isFault(error, 'NO_INSTANCE') && error.code === 'unavailable' && /of s is/.test(error.message),
  )
})

test('a registry that was away when first asked is asked again by the next call', async () => {
  const { registry, fail, watches } = manual()
  await using directory = new Directory({ registry, balancer })
  fail(true)
  await assert.rejects(directory.service('s'), error => isFault(error) && error.code === 'unavailable')
  fail(false)
  await directory.service('s')
  assert.equal(watches(), 1)
})

test('a closed directory watches nothing', async () => {
  const { registry, watches } = manual()
  const directory = new Directory({ registry, balancer })
  await directory.service('s')
  await directory[Symbol.asyncDispose]()
  assert.equal(watches(), 0)
})
