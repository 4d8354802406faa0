/**
 * The promises of the Registry port as tests. Every engine runs this kit; what it does not pass is not a registry.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Instance, Registry } from '../../discovery/index.ts'

/** An empty registry, and what can happen to it. */
export interface RegistryUnderTest {
  /** Longest time that a dead instance stays, milliseconds. */
  readonly leaseMs: number
  /** Opens the registry as a further process would. */
  open(): Promise<Registry>
  /** The process of a registry dies: nothing of it runs any more, and it says goodbye to nobody. */
  kill(registry: Registry): Promise<void>
  /** Makes the registry unavailable to everyone until the returned function is called. */
  outage(): Promise<() => Promise<void>>
  /** The registry forgets everything, as after a restore of an old backup. */
  wipe(): Promise<void>
  /** Lets time pass. */
  advance(ms: number): Promise<void>
  /** Waits for work that may need time to pass. */
  run<T>(work: PromiseLike<T>): Promise<T>
  /** Closes and removes everything. */
  dispose(): Promise<void>
}

/** How soon watchers must see a change, milliseconds. */
const VISIBLE_MS = 1_000

function instance(id: string, service = 'orders', port = 1): Instance {
  return { id, service, address: { host: '127.0.0.1', port }, metadata: { version: '1', zone: 'zürich "a"' } }
}

/** Registers the tests of one engine with `node:test`. `open` is called for each test. */
export function registryConformance(name: string, open: () => Promise<RegistryUnderTest>): void {
  describe(`${name}: registry`, () => {
    const promise = (title: string, body: (subject: RegistryUnderTest) => Promise<void>): void => {
      test(title, { timeout: 60_000 }, async () => {
        const subject = await open()
        try {
          await body(subject)
        } finally {
          await subject.dispose()
        }
      })
    }

    /** A watch in a process of its own, with every list that it was given. */
    const follow = async (
      subject: RegistryUnderTest,
      service = 'orders',
    ): Promise<{ ids: () => string[]; lists: string[][]; registry: Registry }> => {
      const lists: string[][] = []
      const registry = await subject.run(subject.open())
      const watch = await subject.run(registry.watch(service, list => lists.push(list.map(({ id }) => id))))
      return { ids: () => watch.instances.map(({ id }) => id), lists, registry }
    }

    const enter = async (subject: RegistryUnderTest, ...instances: readonly Instance[]): Promise<Registry> => {
      const registry = await subject.run(subject.open())
      for (const each of instances) await subject.run(registry.register(each))
      return registry
    }

    promise('a watch gives its first list before it resolves, empty when nobody is there', async subject => {
      const { lists } = await follow(subject)
      assert.deepEqual(lists, [[]])
    })

    promise('a registration before a watch is in its first list, as it was registered', async subject => {
      await enter(subject, instance('a', 'orders', 65_535))
      const registry = await subject.run(subject.open())
      const lists: (readonly Instance[])[] = []
      await subject.run(registry.watch('orders', list => lists.push(list)))
      assert.deepEqual(lists, [[instance('a', 'orders', 65_535)]])
    })

    promise('a registration reaches the watchers of other processes within a second', async subject => {
      const watcher = await follow(subject)
      await enter(subject, instance('a'))
      await subject.advance(VISIBLE_MS)
      assert.deepEqual(watcher.lists, [[], ['a']])
    })

    promise('a watch is of one service only', async subject => {
      const watcher = await follow(subject, 'payments')
      await enter(subject, instance('a'), instance('b', 'payments'))
      await subject.advance(VISIBLE_MS)
      assert.deepEqual(watcher.ids(), ['b'])
    })

    promise('who leaves is gone within a second, the last one too', async subject => {
      const registry = await subject.run(subject.open())
      const a = await subject.run(registry.register(instance('a')))
      const b = await subject.run(registry.register(instance('b')))
      const watcher = await follow(subject)
      await subject.run(a.leave())
      await subject.advance(VISIBLE_MS)
      assert.deepEqual(watcher.ids(), ['b'])
      await subject.run(b.leave())
      await subject.advance(VISIBLE_MS)
      assert.deepEqual(watcher.lists, [['a', 'b'], ['b'], []])
    })

    promise('leaving twice is leaving once, and who has left does not come back', async subject => {
      const watcher = await follow(subject)
      const registry = await subject.run(subject.open())
      const registration = await subject.run(registry.register(instance('a')))
      await subject.advance(VISIBLE_MS)
      await subject.run(Promise.all([registration.leave(), registration.leave()]))
      await subject.advance(2 * subject.leaseMs)
      assert.deepEqual(watcher.lists, [[], ['a'], []])
    })

    promise('a registry that closes takes its registrations with it', async subject => {
      const watcher = await follow(subject)
      const registry = await enter(subject, instance('a'), instance('b'))
      await subject.advance(VISIBLE_MS)
      await subject.run(registry[Symbol.asyncDispose]())
      await subject.advance(VISIBLE_MS)
      assert.deepEqual(watcher.ids(), [])
    })

    promise('a living instance stays, however long', async subject => {
      const watcher = await follow(subject)
      await enter(subject, instance('a'))
      await subject.advance(10 * subject.leaseMs)
      assert.deepEqual(watcher.lists, [[], ['a']])
    })

    promise('a dead instance leaves within its lease; the living stay', async subject => {
      const watcher = await follow(subject)
      await enter(subject, instance('a'))
      const dying = await enter(subject, instance('b'))
      await subject.advance(subject.leaseMs)
      await subject.kill(dying)
      await subject.advance(subject.leaseMs)
      assert.deepEqual(watcher.ids(), ['a'])
      assert.ok(
        watcher.lists.every(list => list.length === 0 || list.includes('a')),
        'a never left',
      )
    })

    promise('the last instance leaves within its lease when it dies', async subject => {
      const watcher = await follow(subject)
      const dying = await enter(subject, instance('a'))
      await subject.advance(subject.leaseMs)
      await subject.kill(dying)
      await subject.advance(subject.leaseMs)
      assert.deepEqual(watcher.ids(), [])
    })

    promise(
      'an outage longer than the leases takes nobody off the lists, neither during nor after it',
      async subject => {
        await enter(subject, instance('a'))
        await enter(subject, instance('b'))
        const watcher = await follow(subject)
        await subject.advance(subject.leaseMs)
        const end = await subject.outage()
        await subject.advance(3 * subject.leaseMs)
        assert.deepEqual(watcher.ids(), ['a', 'b'])
        await end()
        await subject.advance(3 * subject.leaseMs)
        assert.deepEqual(watcher.lists, [['a', 'b']])
      },
    )

    promise('who died during an outage is found out after it', async subject => {
      await enter(subject, instance('a'))
      const dying = await enter(subject, instance('b'))
      const watcher = await follow(subject)
      await subject.advance(subject.leaseMs)
      const end = await subject.outage()
      await subject.advance(2 * subject.leaseMs)
      await subject.kill(dying)
      await end()
      await subject.advance(2 * subject.leaseMs)
      assert.deepEqual(watcher.lists, [['a', 'b'], ['a']])
    })

    promise('a registration is made after an outage as before it', async subject => {
      const watcher = await follow(subject)
      const end = await subject.outage()
      await subject.advance(subject.leaseMs)
      await end()
      await subject.advance(subject.leaseMs)
      await enter(subject, instance('a'))
      await subject.advance(VISIBLE_MS)
      assert.deepEqual(watcher.ids(), ['a'])
    })

    promise('a registry that forgot everything empties no list, and learns its instances anew', async subject => {
      await enter(subject, instance('a'))
      await enter(subject, instance('b'))
      const watcher = await follow(subject)
      await subject.advance(subject.leaseMs)
      await subject.wipe()
      await subject.advance(2 * subject.leaseMs)
      assert.deepEqual(watcher.lists, [['a', 'b']])
      assert.deepEqual((await follow(subject)).ids(), ['a', 'b'])
    })

    promise('a watch that has ended is told nothing more', async subject => {
      const registry = await subject.run(subject.open())
      const lists: unknown[] = []
      const watch = await subject.run(registry.watch('orders', list => lists.push(list)))
      await watch[Symbol.asyncDispose]()
      await enter(subject, instance('a'))
      await subject.advance(VISIBLE_MS)
      assert.deepEqual(lists, [[]])
    })
  })
}
