import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Instance } from './discovery.ts'
import { LastGood } from './last-good.ts'

const LEASE = 5_000
const of = (id: string): Instance => ({ id, service: 's', address: { host: 'h', port: 1 }, metadata: {} })
const answer = (up: string, gone = ''): { up: Instance[]; gone: Set<string> } => ({
  up: [...up].map(of),
  gone: new Set(gone),
})
const ids = (list: LastGood): string => list.instances.map(({ id }) => id).join('')

test('an answer with nothing leaves the list as it is, for ever', () => {
  const list = new LastGood(LEASE)
  list.update(answer('ab'), 0)
  assert.equal(list.update(answer(''), 1), false)
  assert.equal(list.update(answer(''), 100 * LEASE), false)
  assert.equal(ids(list), 'ab')
})

test('whoever is known to have gone leaves, the last one too', () => {
  const list = new LastGood(LEASE)
  list.update(answer('ab'), 0)
  assert.equal(list.update(answer('b', 'a'), 1), true)
  assert.equal(list.update(answer('', 'ab'), 2), true)
  assert.equal(ids(list), '')
})

test('one that is merely missing beside others stays for a lease', () => {
  const list = new LastGood(LEASE)
  list.update(answer('ab'), 0)
  list.update(answer('a'), 10)
  list.update(answer('a'), 9 + LEASE)
  assert.equal(ids(list), 'ab')
  list.update(answer('a'), 10 + LEASE)
  assert.equal(ids(list), 'a')
})

test('one that is back before that starts anew', () => {
  const list = new LastGood(LEASE)
  list.update(answer('ab'), 0)
  list.update(answer('a'), 10)
  list.update(answer('ab'), 20)
  list.update(answer('a'), 30)
  list.update(answer('a'), 20 + LEASE)
  assert.equal(ids(list), 'ab')
})

test('whatever is answered, the list becomes empty only when the registry names all of it as gone', () => {
  const letters = fc.subarray([...'abcd']).map(list => list.join(''))
  fc.assert(
    fc.property(fc.array(fc.tuple(letters, letters, fc.nat(2 * LEASE))), answers => {
      const list = new LastGood(LEASE)
      let now = 0
      for (const [up, gone, ms] of answers) {
        now += ms
        const before = ids(list)
        list.update(answer(up, gone), now)
        const after = ids(list)
        if (before !== '' && after === '') assert.ok([...before].every(id => gone.includes(id) && !up.includes(id)))
        for (const id of up) assert.ok(after.includes(id))
      }
    }),
  )
})
