import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Identity } from '../kernel/index.ts'
import { addressOf } from './client-address.ts'

const peer = { address: '10.0.0.9' }
const edges = ['gateway']
const service = (subject: string): Identity => ({ kind: 'service', subject, roles: [], permissions: new Set() })
const user = (via?: string): Identity => ({
  kind: 'user',
  subject: 'ann',
  roles: [],
  permissions: new Set(),
  ...(via === undefined ? {} : { via }),
})

test('a gateway is believed about who called it', () => {
  assert.equal(addressOf(service('gateway'), '1.2.3.4', peer, edges), '1.2.3.4')
  assert.equal(addressOf(user('gateway'), '1.2.3.4', peer, edges), '1.2.3.4')
  assert.equal(addressOf(user('gateway'), undefined, peer, edges), undefined)
})

test('nobody else is believed', () => {
  assert.equal(addressOf(undefined, '1.2.3.4', peer, edges), '10.0.0.9')
  assert.equal(addressOf(user(), '1.2.3.4', peer, edges), '10.0.0.9')
})

test('a service that calls for itself or passes a call on has no address from outside', () => {
  assert.equal(addressOf(service('orders'), '1.2.3.4', peer, edges), undefined)
  assert.equal(addressOf(user('orders'), '1.2.3.4', peer, edges), undefined)
})
