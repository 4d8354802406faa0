import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createRuntime } from 'trellis/kernel'
import type { Client } from 'trellis/rpc'
import { createClient } from 'trellis/rpc'
import { createMemoryTransport } from 'trellis/rpc/memory'
import type { Notice, RunningService } from 'trellis/service'
import type { RunningProcess } from 'trellis/system'
import { startProcess, system } from 'trellis/system'
import { createMetrics, silentLogger } from 'trellis/telemetry'
import { Users } from './contract.ts'
import { users } from './service.ts'

const runtime = createRuntime()
let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shop-users-'))
})
after(() => rm(folder, { recursive: true }))

function start(instance: string, notices: Notice[]): Promise<RunningProcess> {
  return startProcess({
    system: system('accounts', { services: [users] }),
    services: ['users'],
    name: 'users',
    folder,
    environment: { TRELLIS_INSTANCE: instance },
    runtime,
    logger: silentLogger,
    metrics: createMetrics(),
    notice: notice => notices.push(notice),
  })
}

describe('users', { timeout: 60_000 }, () => {
  let first: RunningProcess
  let service: RunningService
  let client: Client<typeof Users>
  const notices: [Notice[], Notice[]] = [[], []]

  before(async () => {
    const [one, two] = await Promise.all([start('0', notices[0]), start('1', notices[1])])
    first = one
    await two.stop()
    service = first.services.get('users') as RunningService
    client = createClient(runtime, Users, { transport: createMemoryTransport([service.server]) })
  })
  after(() => first.stop())

  test('two instances that start together make the staff once, and tell each password once', async () => {
    const secrets = notices.flat().filter(({ secret }) => secret)
    assert.equal(secrets.length, 2)
    for (const { text } of secrets) {
      const [, email, password] = /(\S+@\S+), password (\S+)/.exec(text) ?? []
      const session = await client.signIn({ email: email as string, password: password as string })
      assert.equal(session.user.email, email)
    }
  })

  test('a registration whose answer was lost in a crash gets it when it is asked for again', async () => {
    const account = { email: 'ada@example.com', password: 'a long password', name: 'Ada' }
    const user = await client.register(account, { idempotencyKey: 'k-1' })
    const { reader } = service.store
    while ((await reader.get('select scope from idempotency_key where answer is null')) !== undefined)
      await new Promise(resolve => setImmediate(resolve))
    // As it stands after a crash between the commit and the keeping of the answer.
    await service.store.transaction(tx =>
      tx.run('update idempotency_key set committed = ?, answer = null, lease_until = 0', JSON.stringify(user)),
    )
    assert.deepEqual(await client.register(account, { idempotencyKey: 'k-1' }), user)
  })
})
