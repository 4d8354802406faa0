import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault, type Identity } from '../kernel/index.ts'
import { createVirtualRuntime } from '../testing/index.ts'
import { identify, SERVICE_TOKEN_HEADER, throughService } from './identify.ts'
import { fileKeys, memoryKeys } from './key-storage.ts'
import { roles } from './roles.ts'
import type { TokenVerifier, VerifiedToken } from './security.ts'
import { createServiceIdentity, createServiceVerifier, prepareSystemKey } from './service-identity.ts'

const shop = roles({ clerk: ['orders:read'], 'service:reporter': ['orders:read'] })
const ADA: VerifiedToken = { subject: 'ada', roles: ['clerk'], claims: {}, expiresAt: 9, keyId: 'k' }

/** Knows tokens by heart; `later-` ones take a promise. */
const users: TokenVerifier = {
  verify(token) {
    if (token === 'ada') return ADA
    if (token === 'later-ada') return Promise.resolve(ADA)
    return Promise.reject(new Fault('unauthenticated', 'no', { reason: 'TOKEN_MALFORMED' }))
  },
}
const services: TokenVerifier = { verify: token => ({ ...ADA, subject: token, roles: [] }) }
const who = identify({ users, services, roles: shop })

test('without credentials nobody in particular asks', () => {
  assert.equal(who(['accept', '*/*']), undefined)
})

test('a known bearer token is a user, without a promise', () => {
  const identity = who(['host', 'x', 'authorization', 'Bearer ada']) as Identity
  assert.partialDeepStrictEqual(identity, {
    kind: 'user',
    subject: 'ada',
    roles: ['clerk'],
    token: 'ada',
    expiresAt: 9,
  })
  assert.ok(identity.permissions.has('orders:read'))
  assert.equal(identity.via, undefined)
})

test('a new token is verified first, and the scheme may be in any case', async () => {
  assert.partialDeepStrictEqual(await who(['authorization', 'bearer  later-ada']), { subject: 'ada' })
})

test('a token that is no good is refused, never anonymous', async () => {
  await assert.rejects(async () => who(['authorization', 'Bearer eve']), {
    code: 'unauthenticated',
    reason: 'TOKEN_MALFORMED',
  })
})

test('headers that two readers could read differently are refused', () => {
  for (const headers of [
    ['authorization', 'Bearer ada', 'authorization', 'Bearer eve'],
    ['authorization', 'Basic YWRhOmFkYQ=='],
    ['authorization', 'Bearer'],
    ['authorization', ''],
    ['authorization', 'Bearer ada eve'],
    ['authorization', 'Bearer\tada'],
    [SERVICE_TOKEN_HEADER, 'orders', SERVICE_TOKEN_HEADER, 'payments'],
  ]) {
    assert.throws(() => who(headers), { code: 'unauthenticated', reason: 'AUTHORIZATION_MALFORMED' }, headers.join(' '))
  }
})

test('a service may ask for itself, or for a user', () => {
  assert.partialDeepStrictEqual(who([SERVICE_TOKEN_HEADER, 'orders']), { kind: 'service', subject: 'orders' })
  const both = who([SERVICE_TOKEN_HEADER, 'orders', 'authorization', 'Bearer ada'])
  assert.partialDeepStrictEqual(both, { kind: 'user', subject: 'ada', via: 'orders' })
})

test('a service has the permissions of the role of its name', () => {
  assert.ok((who([SERVICE_TOKEN_HEADER, 'reporter']) as Identity).permissions.has('orders:read'))
  assert.ok(!(who([SERVICE_TOKEN_HEADER, 'orders']) as Identity).permissions.has('orders:read'))
})

test('at the edge nobody is a service', () => {
  const edge = identify({ users })
  assert.equal(edge([SERVICE_TOKEN_HEADER, 'orders']), undefined)
  assert.equal((edge([SERVICE_TOKEN_HEADER, 'orders', 'authorization', 'Bearer ada']) as Identity).via, undefined)
})

test('a call in the same process arrives as it would over the wire', () => {
  const user = who(['authorization', 'Bearer ada']) as Identity
  assert.partialDeepStrictEqual(throughService(user, 'orders'), { kind: 'user', subject: 'ada', via: 'orders' })
  assert.partialDeepStrictEqual(throughService(undefined, 'orders'), { kind: 'service', subject: 'orders' })
  assert.partialDeepStrictEqual(throughService(throughService(undefined, 'orders'), 'payments'), {
    kind: 'service',
    subject: 'payments',
  })
})

test('services of one system know each other by the system\u2019s key, and nobody else', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  const keys = memoryKeys()
  await runtime.run(prepareSystemKey(runtime, keys))
  const verifier = createServiceVerifier(runtime, keys)
  const token = await runtime.run(Promise.resolve(createServiceIdentity(runtime, { service: 'orders', keys }).token()))
  assert.equal((await runtime.run(Promise.resolve(verifier.verify(token)))).subject, 'orders')
  const stranger = createServiceIdentity(runtime, { service: 'orders', keys: memoryKeys() })
  const forged = await runtime.run(Promise.resolve(stranger.token()))
  await runtime.run(assert.rejects(Promise.resolve(verifier.verify(forged)), { code: 'unauthenticated' }))
})

test('services that start at once on an empty key file agree on one key', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  const keys = fileKeys(runtime, '/data/system.keys')
  const names = ['orders', 'payments', 'users']
  const tokens = await runtime.run(
    Promise.all(names.map(service => createServiceIdentity(runtime, { service, keys }).token())),
  )
  const verifier = createServiceVerifier(runtime, keys)
  const verified = await runtime.run(Promise.all(tokens.map(token => verifier.verify(token))))
  assert.deepEqual(
    verified.map(({ subject }) => subject),
    names,
  )
})

test('a service signs once per life of its token, renews it in time, and outlives a key that can not be read', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  const keys = memoryKeys()
  const identity = createServiceIdentity(runtime, {
    service: 'orders',
    keys: { ...keys, load: () => (down ? Promise.reject(new Fault('unavailable', 'no')) : keys.load()) },
  })
  let down = false
  const first = await runtime.run(Promise.resolve(identity.token()))
  assert.equal(identity.token(), first)
  await runtime.advance(151_000)
  down = true
  assert.equal(identity.token(), first)
  await runtime.settle()
  assert.equal(identity.token(), first)
  await runtime.settle()
  down = false
  assert.equal(identity.token(), first)
  await runtime.settle()
  assert.notEqual(identity.token(), first)
  await runtime.advance(400_000)
  assert.ok(identity.token() instanceof Promise)
})
