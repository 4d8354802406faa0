import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { z } from 'zod'
import { contract, event, fault, message, own, raise, unary } from '../contract/index.ts'
import { staticRegistry } from '../discovery/index.ts'
import type { Identity } from '../kernel/index.ts'
import { createRuntime, isFault } from '../kernel/index.ts'
import { createStoreBroker } from '../messaging/store-broker/index.ts'
import type { Client } from '../rpc/index.ts'
import { createClient } from '../rpc/index.ts'
import { createMemoryTransport } from '../rpc/memory/index.ts'
import { authorize } from '../security/index.ts'
import type { Store } from '../store/index.ts'
import { openSqlite } from '../store/sqlite/index.ts'
import { createMetrics, ringSpans, silentLogger } from '../telemetry/index.ts'
import type { Notice, Platform, RunningService } from './index.ts'
import { implement, on, resource, service, startService } from './index.ts'

const Name = z.object({ name: z.string() })
const Done = z.object({ runs: z.int() })
const Taken = fault({ code: 'already_exists', reason: 'TAKEN', message: 'Taken.' })

const Things = contract('test.things.v1.Things', {
  add: unary({ input: Name, output: Done, faults: { Taken }, idempotent: 'key', allow: 'public' }),
  addTwice: unary({ input: Name, output: Done, idempotent: 'key', allow: 'public' }),
  addAtLast: unary({ input: Name, output: Done, idempotent: 'key', allow: 'public' }),
  callInside: unary({ input: Name, output: Done, allow: 'public' }),
  mine: unary({ input: Name, output: Done, allow: 'signed-in' }),
  keep: unary({ input: Name, output: Done, idempotent: 'key', allow: own('things:write') }),
  remind: unary({ input: Name, output: Done, allow: 'public' }),
  forget: unary({ input: Name, output: Done, allow: 'public' }),
})
const ThingAdded = event('test.things.thing-added.v1', Name)
const Remind = message('test.things.remind.v1', Name)

const runs = resource('runs', () => new Map<string, number>())
const count = (counts: Map<string, number>, name: string): number => {
  counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts.get(name) as number
}

let disposed = 0
const handled: string[] = []
const waiting: { resolve(): void }[] = []
const heard = (name: string): void => {
  handled.push(name)
  for (const wait of waiting.splice(0)) wait.resolve()
}
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise<void>(resolve => waiting.push({ resolve }))
}

const things = service('things', {
  capability: 'keeping things',
  owns: ['thing'],
  uses: [Things],
  publishes: [ThingAdded, Remind],
  migrations: [{ name: '001', statements: ({ types }) => [`create table thing (name ${types.key} primary key)`] }],
  resources: [
    runs,
    resource(
      'last',
      () => 1,
      () => void disposed++,
    ),
  ],
  start: async ctx => ctx.notice(`hello from ${ctx.service}`),
  checks: { own: async () => undefined },
  provides: [
    implement(Things, {
      add: ({ name }, ctx) =>
        ctx.transaction(async tx => {
          const inserted = await tx.run(tx.dialect.insertOrIgnore('thing', ['name']), name)
          if (inserted === 0) throw raise(Taken)
          await tx.publish(ThingAdded, { name }, { key: name })
          return { runs: count(ctx.resource(runs), name) }
        }),
      async addTwice({ name }, ctx) {
        await ctx.transaction(tx => tx.run('insert into thing (name) values (?)', `${name}-1`))
        await ctx.transaction(tx => tx.run('insert into thing (name) values (?)', `${name}-2`))
        return { runs: 2 }
      },
      async addAtLast({ name }, ctx) {
        const add = (outcome: () => void) =>
          ctx.transaction(async tx => {
            await tx.run('insert into thing (name) values (?)', name)
            outcome()
          })
        const refused = add(() => {
          throw new Error('lost a race')
        })
        await assert.rejects(refused)
        await add(() => undefined)
        return { runs: 1 }
      },
      callInside: (input, ctx) =>
        ctx.transaction(async tx => {
          await tx.run('insert into thing (name) values (?)', `inside ${input.name}`)
          return ctx.client(Things).mine(input)
        }),
      mine: async (_, ctx) => ({ runs: (ctx.identity?.via ?? '').length }),
      async keep({ name }, ctx) {
        ctx.authorize(name)
        return ctx.transaction(async () => ({ runs: count(ctx.resource(runs), `keep ${name}`) }))
      },
      async remind({ name }, ctx) {
        await ctx.transaction(tx => tx.schedule(Remind, { name }, { timer: name, afterMs: 1 }))
        return { runs: 0 }
      },
      async forget({ name }, ctx) {
        const was = await ctx.transaction(tx => tx.unschedule(name))
        return { runs: was ? 1 : 0 }
      },
    }),
  ],
  consumes: [
    on(ThingAdded, async ({ name }, ctx) => {
      await ctx.transaction(tx => tx.run('insert into thing (name) values (?)', `heard ${name}`))
      heard(`${name} ${ctx.identity?.subject} ${ctx.message.attempt}`)
    }),
    on(Remind, async ({ name }) => heard(`remind ${name}`)),
  ],
})

describe('a running service', () => {
  let folder: string
  let shared: Store
  let running: RunningService
  let client: Client<typeof Things>
  let broker: Awaited<ReturnType<typeof createStoreBroker>>
  const notices: Notice[] = []
  const runtime = createRuntime()
  const user: Identity = { kind: 'user', subject: 'u-1', roles: [], permissions: new Set() }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'trellis-service-'))
    shared = await openSqlite(runtime, { path: join(folder, 'platform.db') })
    broker = await createStoreBroker(runtime, { store: shared })
    const platform: Platform = {
      runtime,
      broker,
      registry: staticRegistry({}),
      logger: silentLogger,
      metrics: createMetrics(),
      spans: ringSpans(),
      authorize: authorize(),
      identify: () => undefined,
      checks: {},
      instance: name => `${name}-0`,
      setting: () => undefined,
      notice: notice => notices.push(notice),
      openStore: name => openSqlite(runtime, { path: join(folder, `${name}.db`), rerunProbability: 0.3 }),
      folder: async () => folder,
      transport: () => ({
        handler: method => (input, ctx) => createMemoryTransport([running.server]).handler(method)(input, ctx),
      }),
    }
    running = await startService(platform, things)
    await running.consume()
    client = createClient(runtime, Things, {
      transport: createMemoryTransport([running.server], { identity: () => user }),
    })
  })

  after(async () => {
    await running.stop()
    await broker[Symbol.asyncDispose]()
    await shared[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
    assert.equal(disposed, 1)
  })

  test('tells what its start has to tell', () => {
    assert.deepEqual(notices, [{ service: 'things', text: 'hello from things', secret: false }])
  })

  test('publishes with the commit, and handles under its own name', async () => {
    await client.add({ name: 'a' })
    await until(() => handled.includes('a things 1'))
    const row = await running.store.reader.get('select name from thing where name = ?', 'heard a')
    assert.ok(row)
  })

  test('gives the same answer to the same key, and acts once', async () => {
    const first = await client.add({ name: 'b' }, { idempotencyKey: 'k-1' })
    const second = await client.add({ name: 'b' }, { idempotencyKey: 'k-1' })
    assert.deepEqual(second, first)
    const events = await running.store.reader.all('select name from thing where name = ?', 'b')
    assert.equal(events.length, 1)
  })

  test('gives the owner of a thing the same answer again, and nobody else', async () => {
    const first = await client.keep({ name: 'u-1' }, { idempotencyKey: 'k-2' })
    assert.deepEqual(await client.keep({ name: 'u-1' }, { idempotencyKey: 'k-2' }), first)
    const stranger = createClient(runtime, Things, {
      transport: createMemoryTransport([running.server], { identity: () => ({ ...user, subject: 'u-2' }) }),
    })
    await assert.rejects(
      stranger.keep({ name: 'u-1' }, { idempotencyKey: 'k-2' }),
      fault => isFault(fault) && fault.code === 'not_found',
    )
  })

  test('publishes nothing of what was rolled back', async () => {
    await client.add({ name: 'c' })
    await assert.rejects(client.add({ name: 'c' }), fault => isFault(fault, 'TAKEN'))
    await client.add({ name: 'd' })
    await until(() => handled.includes('d things 1'))
    assert.equal(handled.filter(line => line.startsWith('c ')).length, 1)
  })

  test('refuses a second transaction of a keyed call', async () => {
    await assert.rejects(client.addTwice({ name: 'e' }), fault => isFault(fault, 'SECOND_TRANSACTION'))
  })

  test('lets a keyed call run its transaction again that was rolled back', async () => {
    assert.deepEqual(await client.addAtLast({ name: 'g' }, { idempotencyKey: 'k-3' }), { runs: 1 })
    assert.deepEqual(await client.addAtLast({ name: 'g' }, { idempotencyKey: 'k-3' }), { runs: 1 })
  })

  test('refuses a remote call inside a transaction, and rolls it back', async () => {
    await assert.rejects(client.callInside({ name: 'f' }), fault => isFault(fault, 'REMOTE_CALL_IN_TRANSACTION'))
    assert.equal(await running.store.reader.get('select name from thing where name = ?', 'inside f'), undefined)
  })

  test('fires a timer once it is due', async () => {
    await client.remind({ name: 'soon' })
    await until(() => handled.includes('remind soon'))
    assert.deepEqual(await client.forget({ name: 'soon' }), { runs: 0 })
  })

  test('is ready with its store and its own checks', async () => {
    const report = await running.ready()
    assert.equal(report.healthy, true)
    assert.deepEqual(
      report.checks.map(({ name }) => name),
      ['store', 'own'],
    )
  })

  test('knows only the resources that it declared', () => {
    assert.throws(() => running.context().resource(resource('other', () => 1)), /declared/)
  })
})

test('a service with a bad name, or two handlers of one event in one group, is refused', () => {
  const options = { capability: 'x', owns: [] }
  assert.throws(() => service('Bad Name', options), /lower-case/)
  const handler = async (): Promise<void> => undefined
  assert.throws(
    () => service('x', { ...options, consumes: [on(ThingAdded, handler), on(ThingAdded, handler)] }),
    /group/,
  )
  service('x', { ...options, consumes: [on(ThingAdded, handler), on(ThingAdded, handler, { group: 'y' })] })
})
