import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { Fault, sleep } from '../kernel/index.ts'
import { newSigningKey } from './signing-key.ts'
import { TokenLab } from './tokens.test-lab.ts'

let lab: TokenLab

beforeEach(() => {
  lab = new TokenLab()
})

test('without keys a verifier is unavailable, and recovers when they come', async () => {
  const issuer = lab.issuer()
  const { token } = await lab.run(issuer.issue({ subject: 'u-1' }))
  lab.source = async () => {
    throw new Fault('unavailable', 'users are down')
  }
  const verifier = lab.verifier()
  await lab.refused(verifier, token, 'KEYS_UNAVAILABLE', 'unavailable')
  lab.source = async () => ({ keys: [] })
  await lab.runtime.advance(1_000)
  await lab.refused(verifier, token, 'KEYS_UNAVAILABLE', 'unavailable')
  lab.source = () => issuer.jwks()
  await lab.runtime.advance(1_000)
  await lab.run(verifier.verify(token))
})

test('keys on disk outlive a restart while their issuer is down', async () => {
  const { token } = await lab.run(lab.issuer().issue({ subject: 'u-1' }))
  await lab.run(lab.verifier({ cachePath: '/users.jwks' }).verify(token))
  await lab.runtime.settle()
  lab.source = () => Promise.reject(new Error('down'))
  assert.equal((await lab.run(lab.verifier({ cachePath: '/users.jwks' }).verify(token))).subject, 'u-1')
})

test('keys may take their time to come', async () => {
  const issuer = lab.issuer()
  const { token } = await lab.run(issuer.issue({ subject: 'u-1' }))
  lab.source = async () => {
    await sleep(lab.runtime, 3_000)
    return issuer.jwks()
  }
  assert.equal((await lab.run(lab.verifier().verify(token))).subject, 'u-1')
})

test('a broken cache file is passed over', async () => {
  const { token } = await lab.run(lab.issuer().issue({ subject: 'u-1' }))
  for (const text of ['{', '{"keys":3}', '']) {
    await lab.run(lab.runtime.fs.write('/users.jwks', text))
    await lab.run(lab.verifier({ cachePath: '/users.jwks' }).verify(token))
  }
})

test('a disk that can not be written costs the cache and nothing else', async () => {
  const { token } = await lab.run(lab.issuer().issue({ subject: 'u-1' }))
  lab.runtime.fs.trouble({ operation: 'write', code: 'ENOSPC' })
  await lab.run(lab.verifier({ cachePath: '/users.jwks' }).verify(token))
})

test('many tokens at once fetch the keys once', async () => {
  const issuer = lab.issuer()
  const verifier = lab.verifier()
  const tokens = await lab.run(Promise.all(['a', 'b', 'c'].map(subject => issuer.issue({ subject }))))
  await lab.run(Promise.all(tokens.map(({ token }) => verifier.verify(token))))
  assert.equal(lab.fetches, 1)
})

test('forged key ids do not become requests to the issuer', async () => {
  const { token } = await lab.run(lab.issuer().issue({ subject: 'u-1' }))
  const verifier = lab.verifier()
  await lab.run(verifier.verify(token))
  for (let attempt = 0; attempt < 20; attempt++) {
    await lab.refused(verifier, await lab.forge(newSigningKey(lab.runtime)), 'TOKEN_KEY_UNKNOWN')
  }
  assert.equal(lab.fetches, 1)
  await lab.runtime.advance(10_000)
  await lab.refused(verifier, await lab.forge(newSigningKey(lab.runtime)), 'TOKEN_KEY_UNKNOWN')
  assert.equal(lab.fetches, 2)
})

test('an unknown key is no bad token while its issuer can not be asked', async () => {
  const { token } = await lab.run(lab.issuer().issue({ subject: 'u-1' }))
  const verifier = lab.verifier()
  await lab.run(verifier.verify(token))
  lab.source = () => Promise.reject(new Error('down'))
  await lab.runtime.advance(10_000)
  await lab.refused(verifier, await lab.forge(newSigningKey(lab.runtime)), 'KEYS_UNAVAILABLE', 'unavailable')
  assert.equal((await lab.run(verifier.verify(token))).subject, 'u-1')
})

test('a key that its issuer withdraws ends the tokens it signed, cached ones too', async () => {
  const [one, two] = [newSigningKey(lab.runtime), newSigningKey(lab.runtime)]
  let listed = [one.publicJwk, two.publicJwk]
  lab.source = async () => ({ keys: listed })
  const verifier = lab.verifier({ maxAgeMs: 60_000 })
  const [first, second] = [await lab.forge(one), await lab.forge(two)]
  await lab.run(verifier.verify(first))
  await lab.run(verifier.verify(second))
  listed = [two.publicJwk]
  await lab.runtime.advance(60_000)
  verifier.verify(first) // notices that the set is old
  await lab.runtime.settle()
  await lab.refused(verifier, first, 'TOKEN_KEY_UNKNOWN')
  assert.ok(!(verifier.verify(second) instanceof Promise))
})

test('another key under the same id ends the tokens of the first', async () => {
  const one = newSigningKey(lab.runtime)
  const two = { ...newSigningKey(lab.runtime), kid: one.kid }
  let listed = { ...one.publicJwk }
  lab.source = async () => ({ keys: [listed] })
  const verifier = lab.verifier({ maxAgeMs: 60_000 })
  const token = await lab.forge(one)
  await lab.run(verifier.verify(token))
  listed = { ...two.publicJwk, kid: one.kid }
  await lab.runtime.advance(60_000)
  verifier.verify(token)
  await lab.runtime.settle()
  await lab.refused(verifier, token, 'TOKEN_SIGNATURE_INVALID')
})

test('keys that may not verify are passed over: symmetric, for encryption, without an id, of other kinds', async () => {
  const key = newSigningKey(lab.runtime)
  const odd: unknown[] = [
    null,
    3,
    {},
    { kty: 'oct', kid: 'o', k: 'AAAA', alg: 'HS256' },
    { ...key.publicJwk, kid: 'enc', use: 'enc' },
  ]
  odd.push(
    { ...key.publicJwk, kid: undefined },
    { ...key.publicJwk, kid: 'wrong', alg: 'ES256' },
    { kty: 'OKP', crv: 'X25519', x: 'AA', kid: 'x' },
  )
  lab.source = async () => ({ keys: [...odd, { ...key.publicJwk, d: 'private' }] })
  const verifier = lab.verifier({ cachePath: '/keys' })
  await lab.run(verifier.verify(await lab.forge(key)))
  await lab.runtime.settle()
  const cached = new TextDecoder().decode(await lab.run(lab.runtime.fs.read('/keys')))
  assert.deepEqual(JSON.parse(cached), { keys: [key.publicJwk] })
})
