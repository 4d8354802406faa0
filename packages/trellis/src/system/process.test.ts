import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { contract, event, unary } from '../contract/index.ts'
import { expose } from '../gateway/index.ts'
import type { Net } from '../kernel/index.ts'
import { createRuntime } from '../kernel/index.ts'
import type { Service } from '../service/index.ts'
import { implement, on, service } from '../service/index.ts'
import { createMetrics, silentLogger } from '../telemetry/index.ts'
import type { RunningProcess } from './process.ts'
import { startProcess } from './process.ts'
import { system } from './system.ts'

const Opened = event('test.doors.opened.v1', z.object({ door: z.string() }))

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'trellis-process-'))
  try {
    await body(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

function started(folder: string, services: readonly Service[]): Promise<RunningProcess> {
  return startProcess({
    system: system('doors', { services }),
    services: services.map(({ name }) => name),
    name: 'doors',
    folder,
    environment: {},
    runtime: createRuntime(),
    logger: silentLogger,
    metrics: createMetrics(),
    notice: () => undefined,
  })
}

describe('a process', { timeout: 30_000 }, () => {
  test('hears at its first start what a service published before the others were up', () =>
    inFolder(async folder => {
      const heard = Promise.withResolvers<string>()
      const doors = service('doors', {
        capability: 'opening',
        owns: ['door'],
        publishes: [Opened],
        start: async ctx => {
          await ctx.transaction(tx => tx.publish(Opened, { door: 'first' }))
          while ((await ctx.read.get('select number from outbox limit 1')) !== undefined)
            await new Promise(resolve => setImmediate(resolve))
        },
      })
      const porter = service('porter', {
        capability: 'listening',
        owns: [],
        consumes: [on(Opened, async ({ door }) => heard.resolve(door))],
      })
      await using _process = await started(folder, [doors, porter])
      assert.equal(await heard.promise, 'first')
    }))

  test('starts again also where a service has the name of a part of the platform', () =>
    inFolder(async folder => {
      const named = ['events', 'inbox', 'outbox', 'timers', 'idempotency'].map(name =>
        service(name, {
          capability: 'x',
          owns: [],
          migrations: [{ name: '001', statements: ({ types }) => [`create table own (id ${types.key} primary key)`] }],
        }),
      )
      for (let start = 0; start < 2; start++) await (await started(folder, named)).stop()
    }))

  test('answers operators where services listen, and never where the world reaches the gateway', () =>
    inFolder(async folder => {
      const Doors = contract('test.doors.v1.Doors', {
        look: unary({ input: z.object({}), output: z.object({}), http: 'GET /doors', allow: 'public' }),
      })
      const doors = service('doors', {
        capability: 'opening',
        owns: ['door'],
        provides: [implement(Doors, { look: async () => ({}) })],
      })
      const runtime = createRuntime()
      const hosts: string[] = []
      const net: Net = {
        connect: address => runtime.net.connect(address),
        listen(address, accept) {
          hosts.push(address.host)
          return runtime.net.listen(address, accept)
        },
      }
      await using _process = await startProcess({
        system: system('doors', { services: [doors], gateway: { routes: [expose(Doors)] } }),
        services: ['doors'],
        gateway: { host: '127.0.0.1', port: 0 },
        name: 'doors',
        folder,
        environment: { TRELLIS_HOST: 'localhost' },
        runtime: { ...runtime, net },
        logger: silentLogger,
        metrics: createMetrics(),
        notice: () => undefined,
      })
      assert.deepEqual(hosts, ['localhost', 'localhost', '127.0.0.1'])
    }))
})
