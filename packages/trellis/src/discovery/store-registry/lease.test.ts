import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openSqlite } from '../../store/sqlite/index.ts'
import { createVirtualRuntime } from '../../testing/index.ts'
import type { Instance } from '../discovery.ts'
import { beat, enter, expireAll, listEntries } from './lease.ts'
import { registryMigrations } from './migrations.ts'

const TIMES = { heartbeatMs: 1_500, expiryMs: 4_500 }
const of = (id: string): Instance => ({ id, service: 's', address: { host: 'h', port: 1 }, metadata: {} })

interface Bench {
  /** Lets time pass, then renews an instance. */
  readonly beatAfter: (ms: number, id: string) => Promise<void>
  readonly states: () => Promise<string[]>
  readonly jumpWall: (ms: number) => void
  readonly expireAll: () => Promise<void>
}

/** A registry in which a was alive until now and b has just renewed. */
async function setUp(t: TestContext): Promise<Bench> {
  const runtime = createVirtualRuntime({ seed: 1 })
  const folder = await mkdtemp(join(tmpdir(), 'trellis-lease-'))
  const store = await openSqlite(runtime, { path: join(folder, 'a.db') })
  t.after(async () => {
    await store[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })
  await store.migrate('registry', registryMigrations)
  const beatAfter = async (ms: number, id: string): Promise<void> => {
    await runtime.advance(ms)
    await runtime.run(store.transaction(tx => beat(tx, [of(id)], TIMES)))
  }
  const states = async (): Promise<string[]> =>
    (await listEntries(store.reader)).map(({ instance, state }) => `${instance.id} ${state}`)
  await runtime.run(store.transaction(tx => enter(tx, of('a'), 'up')))
  await beatAfter(0, 'b')
  return { beatAfter, states, jumpWall: ms => runtime.jumpWall(ms), expireAll: () => runtime.run(expireAll(store)) }
}

test('who does not renew while others do is expired', async t => {
  const { beatAfter, states } = await setUp(t)
  for (let time = 0; time < 3_000; time += 1_500) await beatAfter(1_500, 'b')
  assert.deepEqual(await states(), ['a up', 'b up'])
  await beatAfter(1_500, 'b')
  assert.deepEqual(await states(), ['a expired', 'b up'])
})

test('after a pause of all renewals the first to renew expires nobody', async t => {
  const { beatAfter, states } = await setUp(t)
  await beatAfter(60_000, 'b')
  assert.deepEqual(await states(), ['a up', 'b up'])
})

test('who does not renew after the pause either is expired once there was time to', async t => {
  const { beatAfter, states } = await setUp(t)
  await beatAfter(60_000, 'b')
  await beatAfter(1_500, 'b')
  assert.deepEqual(await states(), ['a up', 'b up'])
  await beatAfter(1_500, 'b')
  assert.deepEqual(await states(), ['a expired', 'b up'])
})

test('an instance that was taken for dead and renews is back', async t => {
  const { beatAfter, states } = await setUp(t)
  for (let time = 0; time < 6_000; time += 1_500) await beatAfter(1_500, 'b')
  await beatAfter(0, 'a')
  assert.deepEqual(await states(), ['a up', 'b up'])
})

test('the rows of those that have gone are forgotten in the end', async t => {
  const { beatAfter, states } = await setUp(t)
  for (let time = 0; time < 12 * 60_000; time += 1_500) await beatAfter(1_500, 'b')
  assert.deepEqual(await states(), ['b up'])
})

for (const ms of [3_600_000, -3_600_000]) {
  test(`after the clock jumped by ${ms} ms the living stay and the dead go as soon as ever`, async t => {
    const { beatAfter, states, jumpWall } = await setUp(t)
    jumpWall(ms)
    await beatAfter(0, 'b')
    assert.deepEqual(await states(), ['a up', 'b up'])
    for (let time = 0; time < 4_500; time += 1_500) await beatAfter(1_500, 'b')
    assert.deepEqual(await states(), ['a expired', 'b up'])
  })
}

test('at the start of a whole system nobody of its earlier life counts as there, unless they renew', async t => {
  const bench = await setUp(t)
  await bench.expireAll()
  assert.deepEqual(await bench.states(), ['a expired', 'b expired'])
  await bench.beatAfter(100, 'b')
  assert.deepEqual(await bench.states(), ['a expired', 'b up'])
})
