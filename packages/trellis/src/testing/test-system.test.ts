import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { z } from 'zod'
import { contract, unary } from '../contract/index.ts'
import { expose } from '../gateway/index.ts'
import { implement, resource, service } from '../service/index.ts'
import { system } from '../system/index.ts'
import { startTestSystem } from './test-system.ts'

const Place = contract(
  'test.v1.Place',
  {
    get: unary({ input: z.object({}), output: z.object({ folder: z.string() }), http: 'GET /place', allow: 'public' }),
    mine: unary({
      input: z.object({}),
      output: z.object({ folder: z.string() }),
      http: 'GET /mine',
      allow: 'signed-in',
    }),
  },
  { service: 'place' },
)
const folder = resource('folder', environment => environment.folder)
const shown = system('shown', {
  services: [
    service('place', {
      capability: 'place',
      owns: ['place'],
      resources: [folder],
      start: async ctx => ctx.notice(`colour ${ctx.setting('COLOUR')}, path ${ctx.setting('PATH')}`),
      provides: [
        implement(Place, {
          get: async (_, ctx) => ({ folder: ctx.resource(folder) }),
          mine: async (_, ctx) => ({ folder: ctx.resource(folder) }),
        }),
      ],
    }),
  ],
  gateway: { routes: [expose(Place)] },
})

test('runs a system as the world sees it, in a folder that goes with it', async () => {
  let path = ''
  {
    await using running = await startTestSystem(shown)
    path = (await running.client(Place).get({})).folder
    assert.ok(existsSync(path))
    assert.deepEqual(await (await fetch(`${running.url}/api/place`)).json(), { folder: path })
    await assert.rejects(running.client(Place).mine({}), { code: 'unauthenticated' })
    await assert.rejects(running.client(Place, { token: 'nonsense' }).mine({}), { code: 'unauthenticated' })
  }
  assert.ok(!existsSync(dirname(path)))
})

test('has the settings that it was given, and none of this process', async () => {
  await using running = await startTestSystem(shown, { environment: { COLOUR: 'green' } })
  assert.deepEqual(
    running.notices.map(({ text }) => text),
    ['colour green, path undefined'],
  )
})

test('a system without a gateway is refused', async () => {
  await assert.rejects(startTestSystem(system('closed', { services: [] })), /The system closed has no gateway/)
})
