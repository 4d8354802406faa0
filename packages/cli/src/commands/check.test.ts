import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { HELLO, place } from '../cli.test-fixture.ts'

const here = place()
after(() => here[Symbol.dispose]())

const BROKEN = `
import { event } from 'trellis/contract'
import { on, service } from 'trellis/service'
import { system } from 'trellis/system'
import { z } from 'zod'
const Left = event('test.left.v1', z.object({}))
const Lost = event('test.lost.v1', z.object({}))
const one = service('one', { capability: 'one', owns: ['thing'], publishes: [Left] })
const two = service('two', { capability: 'two', owns: ['thing'], consumes: [on(Lost, async () => undefined)] })
export default system('broken', { services: [one, two] })
`

test('a system with nothing to mend ends with 0', async () => {
  const { code, stdout } = await here.run(['check', HELLO])
  assert.deepEqual([code, stdout], [0, 'hello: 1 service, 1 contract, nothing to mend.\n'])
})

test('findings are sentences, errors first, and end with 1', async () => {
  here.write({ 'system.ts': BROKEN })
  const { code, stdout } = await here.run(['check'])
  assert.equal(code, 1)
  assert.deepEqual(stdout.split('\n'), [
    'error TWO_OWNERS: one and two both own "thing"; let one own it and the other ask or listen.',
    "error UNPUBLISHED_EVENT: two waits for test.lost.v1, which nobody publishes; list it in the publisher's `publishes`.",
    'warning UNCONSUMED_EVENT: test.left.v1 is published and nobody consumes it; drop it, or mark it { external: true }.',
    'broken: 2 services, 0 contracts, 2 errors, 1 warning.',
    '',
  ])
})

test('--json gives the findings to a script', async () => {
  here.write({ 'system.ts': BROKEN })
  const { code, stdout } = await here.run(['check', '--json'])
  assert.equal(code, 1)
  const { system, errors, findings } = JSON.parse(stdout)
  assert.deepEqual([system, errors, findings.length, findings[0].rule], ['broken', 2, 3, 'TWO_OWNERS'])
})

test('dev does not start a system that has errors', async () => {
  here.write({ 'system.ts': BROKEN })
  const { code, stderr } = await here.run(['dev', '--port', '0'])
  assert.equal(code, 1)
  assert.match(stderr, /error TWO_OWNERS[\s\S]*\nbroken is not started: mend the errors above\.\n$/)
})
