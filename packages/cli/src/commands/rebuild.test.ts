import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { dev, LEDGER, place } from '../cli.test-fixture.ts'

test('builds a projection anew from the events, beside the running service and while it rests', async () => {
  using here = place()
  here.write({ 'system.ts': LEDGER })
  const total = ['call', 'ledger.total', '{"account":"main"}', '--json']
  {
    await using running = await dev(here, [])
    await here.run(['call', 'ledger.enter', '{"account":"main","amount":7}'])
    spoil(join(running.folder, 'ledger', 'ledger.db'))
    assert.equal((await here.run(total)).stdout, '{"account":"main","total":-1}\n')

    const { code, stdout } = await here.run(['rebuild', 'totals', '--json'])
    assert.equal(code, 0)
    assert.deepEqual({ ...JSON.parse(stdout), tookMs: 0 }, { service: 'ledger', projection: 'totals', tookMs: 0 })
    assert.equal((await here.run(total)).stdout, '{"account":"main","total":7}\n')

    await here.run(['call', 'ledger.enter', '{"account":"main","amount":1}'])
    assert.equal(
      (await here.run(total)).stdout,
      '{"account":"main","total":8}\n',
      'the service goes on with the new rows',
    )
  }
  const { code, stdout } = await here.run(['rebuild', 'ledger.totals'])
  assert.equal(code, 0)
  assert.match(stdout, /^ledger\.totals is built anew, in \d+ ms\.\n$/)
})

/** Makes the rows of the projection wrong, as a fault in its code would. */
function spoil(path: string): void {
  const database = new DatabaseSync(path)
  database.exec('update total__1 set total = -1')
  database.close()
}
