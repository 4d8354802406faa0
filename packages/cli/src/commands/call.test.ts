import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Place, Ready, Started } from '../cli.test-fixture.ts'
import { dev, LEDGER, place } from '../cli.test-fixture.ts'

let here: Place
let running: Started & Ready
before(async () => {
  here = place()
  here.write({ 'system.ts': LEDGER })
  running = await dev(here, [])
})
after(async () => {
  await running[Symbol.asyncDispose]()
  here[Symbol.dispose]()
})

test('lists what can be called', async () => {
  const { code, stdout } = await here.run(['call'])
  assert.equal(code, 0)
  assert.match(stdout, /\nledger\.enter +public +POST \/entries +Enters an amount\n/)
  assert.match(stdout, /\nledger\.count +internal +-\n/)
})

test('calls a service by its own port, under each of its names', async () => {
  for (const name of ['ledger.total', 'Ledger.total', 'ledger.v1.Ledger.total', 'ledger.v1.Ledger/Total']) {
    const { code, stdout } = await here.run(['call', name, '{"account":"nobody"}', '--json'])
    assert.deepEqual([code, stdout], [0, '{"account":"nobody","total":0}\n'])
  }
})

test('reads the input from stdin, and prints the answer for people', async () => {
  const { code, stdout } = await here.run(['call', 'ledger.enter', '-'], { input: '{"account":"main","amount":7}' })
  assert.deepEqual([code, stdout], [0, '{\n  "account": "main",\n  "total": 7\n}\n'])
})

test('one idempotency key is one entry', async () => {
  const enter = ['call', 'ledger.enter', '{"account":"keyed","amount":5}', '--key', 'k-1', '--json']
  const [first, second] = [await here.run(enter), await here.run(enter)]
  assert.deepEqual(
    [first.stdout, second.stdout],
    ['{"account":"keyed","total":5}\n', '{"account":"keyed","total":5}\n'],
  )
})

test('a stream is one line per item', async () => {
  await here.run(['call', 'ledger.enter', '{"account":"streamed","amount":1}'])
  const { code, stdout } = await here.run(['call', 'ledger.totals'])
  assert.equal(code, 0)
  assert.ok(stdout.split('\n').includes('{"account":"streamed","total":1}'))
})

test('what only services may call needs --internal', async () => {
  const outside = await here.run(['call', 'ledger.count', '--json'])
  assert.deepEqual([outside.code, outside.stdout], [1, ''])
  assert.match(JSON.parse(outside.stderr).code, /permission_denied|unauthenticated/)
  const inside = await here.run(['call', 'ledger.count', '--internal', '--json'])
  assert.equal(inside.code, 0)
  assert.equal(typeof JSON.parse(inside.stdout).accounts, 'number')
})

test('goes through a gateway with --url', async () => {
  const { code, stdout } = await here.run(['call', 'ledger.total', '{"account":"x"}', '--url', running.url, '--json'])
  assert.deepEqual([code, stdout], [0, '{"account":"x","total":0}\n'])
})

test('an input that does not fit is answered with its place and an example', async () => {
  const { code, stderr } = await here.run(['call', 'ledger.enter', '{"account":"","amount":1}'])
  assert.equal(code, 1)
  assert.match(stderr, /^INVALID_INPUT \(invalid_argument\): .*'account'/)
  assert.match(stderr, /\nAn input looks like this: \{"account":"text","amount":1\}\n$/)
})

test('a wrong token is refused', async () => {
  const { code, stderr } = await here.run(['call', 'ledger.total', '{"account":"x"}', '--json'], {
    env: { TRELLIS_TOKEN: 'nonsense' },
  })
  assert.equal(code, 1)
  assert.equal(JSON.parse(stderr).code, 'unauthenticated')
})

test('a call of a system that does not run says how to start it', async () => {
  using other = place()
  other.write({ 'system.ts': LEDGER })
  const { code, stderr } = await other.run(['call', 'ledger.count'])
  assert.equal(code, 1)
  assert.match(stderr, /^\.trellis\/ledger holds no data of a system; start the system once \(trellis dev\)/)
})

test('a gateway that is not there is one clear line', async () => {
  const { code, stderr } = await here.run(['call', 'ledger.total', '{"account":"x"}', '--url', 'http://127.0.0.1:1'])
  assert.equal(code, 1)
  assert.match(stderr, /^CONNECT_FAILED \(unavailable\): Could not connect to 127\.0\.0\.1:1; is it running\?\n$/)
})
