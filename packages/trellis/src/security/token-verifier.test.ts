import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { beforeEach, describe, test } from 'node:test'
import fc from 'fast-check'
import type { Fault } from '../kernel/index.ts'
import type { TokenVerifier } from './security.ts'
import { newSigningKey, type SigningKey } from './signing-key.ts'
import { TokenLab } from './tokens.test-lab.ts'

const HOUR = 3_600_000

let lab: TokenLab

beforeEach(() => {
  lab = new TokenLab()
})

function unsigned(header: object, claims: object, signature = ''): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part(header)}.${part(claims)}.${signature}`
}

for (const algorithm of ['EdDSA', 'ES256'] as const) {
  test(`a token signed with ${algorithm} says what its issuer said`, async () => {
    const issuer = lab.issuer({ algorithm })
    const { token, expiresAt } = await lab.run(
      issuer.issue({ subject: 'u-1', roles: ['clerk'], claims: { sub: 'other', tenant: 't' } }),
    )
    const verified = await lab.run(lab.verifier().verify(token))
    assert.equal(verified.subject, 'u-1')
    assert.deepEqual(verified.roles, ['clerk'])
    assert.equal(verified.claims.tenant, 't')
    assert.equal(verified.expiresAt, expiresAt)
    assert.equal(expiresAt, lab.runtime.clock.now() + HOUR)
  })
}

test('a token that is known is verified at once, without a promise and with the same result', async () => {
  const { token } = await lab.run(lab.issuer().issue({ subject: 'u-1' }))
  const verifier = lab.verifier()
  const first = await lab.run(verifier.verify(token))
  assert.equal(verifier.verify(token), first)
})

test('a token ends at its expiry and the leeway, cached or not', async () => {
  const { token } = await lab.run(lab.issuer().issue({ subject: 'u-1' }))
  const verifier = lab.verifier()
  await lab.run(verifier.verify(token))
  await lab.runtime.advance(HOUR + 4_000)
  assert.ok(!(verifier.verify(token) instanceof Promise))
  await lab.runtime.advance(2_000)
  await lab.refused(verifier, token, 'TOKEN_EXPIRED')
  await lab.refused(lab.verifier(), token, 'TOKEN_EXPIRED')
})

test('the least recently used token makes room for another', async () => {
  const issuer = lab.issuer()
  const verifier = lab.verifier({ cacheSize: 2 })
  const tokens: string[] = []
  for (const subject of ['a', 'b', 'c']) tokens.push((await lab.run(issuer.issue({ subject }))).token)
  const [a, b, c] = tokens as [string, string, string]
  await lab.run(verifier.verify(a))
  await lab.run(verifier.verify(b))
  await lab.runtime.advance(1_500)
  verifier.verify(a)
  await lab.run(verifier.verify(c))
  assert.ok(!(verifier.verify(a) instanceof Promise))
  const again = verifier.verify(b)
  assert.ok(again instanceof Promise)
  await lab.run(again)
})

test('roles that are not a list of strings count for nothing', async () => {
  lab.issuer()
  const key = newSigningKey(lab.runtime)
  lab.source = async () => ({ keys: [key.publicJwk] })
  const verifier = lab.verifier()
  const rolesOf = async (roles: unknown): Promise<readonly string[]> =>
    (await lab.run(verifier.verify(await lab.forge(key, {}, { roles })))).roles
  assert.deepEqual(await rolesOf('admin'), [])
  assert.deepEqual(await rolesOf([1, 'clerk', { admin: true }]), ['clerk'])
})

test('options that can not work are refused where the verifier is made', () => {
  lab.issuer()
  assert.throws(() => lab.verifier({ algorithms: ['HS256' as never] }), /algorithms is \["HS256"\]/)
  assert.throws(() => lab.verifier({ algorithms: [] }), TypeError)
  assert.throws(() => lab.verifier({ leewayMs: -1 }), RangeError)
  assert.throws(() => lab.verifier({ cacheSize: 0 }), RangeError)
  assert.throws(() => lab.issuer({ lifetimeMs: 0 }), /lifetimeMs is 0/)
})

describe('hostile tokens', () => {
  let key: SigningKey
  let verifier: TokenVerifier
  const claims = (): object => {
    const now = Math.floor(lab.runtime.clock.now() / 1000)
    return { iss: 'shop', aud: 'shop', sub: 'u-1', iat: now, exp: now + 60 }
  }

  beforeEach(() => {
    key = newSigningKey(lab.runtime)
    lab.source = async () => ({ keys: [key.publicJwk] })
    verifier = lab.verifier()
  })

  test('no signature at all', async () => {
    for (const alg of ['none', 'None', 'NONE', '']) {
      const token = unsigned({ alg, kid: key.kid, typ: 'at+jwt' }, claims())
      await lab.run(assert.rejects(Promise.resolve(verifier.verify(token)), { code: 'unauthenticated' }))
    }
  })

  test('the public key used as the secret of an HMAC', async () => {
    const head = unsigned({ alg: 'HS256', kid: key.kid, typ: 'at+jwt' }, claims()).slice(0, -1)
    const mac = createHmac('sha256', Buffer.from(key.publicJwk.x as string, 'base64url')).update(head)
    await lab.refused(verifier, `${head}.${mac.digest('base64url')}`, 'TOKEN_ALGORITHM_REFUSED')
  })

  test('another key under a known id, and a key that the token brings along', async () => {
    const other = { ...newSigningKey(lab.runtime), kid: key.kid }
    await lab.refused(verifier, await lab.forge(other), 'TOKEN_SIGNATURE_INVALID')
    await lab.refused(
      verifier,
      await lab.forge(other, { jwk: other.publicJwk, jku: 'https://evil.example' }, {}),
      'TOKEN_SIGNATURE_INVALID',
    )
  })

  test('an algorithm that is not the key\u2019s own', async () => {
    const other = { ...newSigningKey(lab.runtime, 'ES256'), kid: key.kid }
    await lab.refused(verifier, await lab.forge(other), 'TOKEN_ALGORITHM_REFUSED')
  })

  test('an unknown key id, and none', async () => {
    await lab.refused(verifier, await lab.forge(newSigningKey(lab.runtime)), 'TOKEN_KEY_UNKNOWN')
    await lab.refused(verifier, await lab.forge(key, { kid: undefined }, {}), 'TOKEN_KEY_UNKNOWN')
  })

  test('a changed claim', async () => {
    const [head, , signature] = (await lab.forge(key)).split('.')
    const payload = Buffer.from(JSON.stringify({ ...claims(), sub: 'admin' })).toString('base64url')
    await lab.refused(verifier, `${head}.${payload}.${signature}`, 'TOKEN_SIGNATURE_INVALID')
  })

  test('made elsewhere, for others, or for another purpose', async () => {
    await lab.refused(verifier, await lab.forge(key, {}, { iss: 'evil' }), 'TOKEN_CLAIMS_REFUSED')
    await lab.refused(verifier, await lab.forge(key, {}, { aud: 'bank' }), 'TOKEN_CLAIMS_REFUSED')
    await lab.refused(verifier, await lab.forge(key, {}, { aud: undefined }), 'TOKEN_CLAIMS_REFUSED')
    await lab.refused(verifier, await lab.forge(key, { typ: 'trellis-service+jwt' }, {}), 'TOKEN_CLAIMS_REFUSED')
    await lab.refused(verifier, await lab.forge(key, { typ: undefined }, {}), 'TOKEN_CLAIMS_REFUSED')
    await lab.refused(verifier, await lab.forge(key, {}, { sub: undefined }), 'TOKEN_CLAIMS_REFUSED')
    await lab.refused(verifier, await lab.forge(key, {}, { sub: '' }), 'TOKEN_CLAIMS_REFUSED')
    await lab.refused(verifier, await lab.forge(key, {}, { exp: undefined }), 'TOKEN_CLAIMS_REFUSED')
  })

  test('from the past and from the future', async () => {
    const now = Math.floor(lab.runtime.clock.now() / 1000)
    await lab.refused(verifier, await lab.forge(key, {}, { exp: now - 6 }), 'TOKEN_EXPIRED')
    await lab.refused(verifier, await lab.forge(key, {}, { nbf: now + 60 }), 'TOKEN_NOT_YET_VALID')
    await lab.refused(verifier, await lab.forge(key, {}, { iat: now + 60 }), 'TOKEN_NOT_YET_VALID')
    await lab.run(verifier.verify(await lab.forge(key, {}, { nbf: now + 4, iat: now + 4 })))
  })

  test('a critical extension that is not understood', async () => {
    const token = unsigned({ alg: 'EdDSA', kid: key.kid, typ: 'at+jwt', crit: ['x'], x: 1 }, claims(), 'AAAA')
    await lab.refused(verifier, token, 'TOKEN_MALFORMED')
  })

  test('too large', async () => {
    await lab.refused(verifier, 'x'.repeat(8_193), 'TOKEN_TOO_LARGE')
    await lab.refused(verifier, await lab.forge(key, {}, { junk: 'x'.repeat(9_000) }), 'TOKEN_TOO_LARGE')
    assert.equal(lab.fetches, 0)
  })

  test('garbage of any kind is unauthenticated and nothing else', async () => {
    const good = await lab.forge(key)
    await lab.run(verifier.verify(good))
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.tuple(fc.base64String(), fc.base64String(), fc.base64String()).map(parts => parts.join('.')),
          fc
            .tuple(fc.nat(good.length - 1), fc.constantFrom('A', '.', '~', '='))
            .map(([at, by]) => good.slice(0, at) + by + good.slice(at + 1)),
        ),
        async token => {
          if (token === good) return
          try {
            // The last character of a signature has bits that mean nothing, but jose refuses what is not canonical or does not fit.
            await verifier.verify(token)
          } catch (error) {
            assert.equal((error as Fault).code, 'unauthenticated')
            return
          }
          assert.equal(token.slice(0, -1), good.slice(0, -1))
        },
      ),
      { numRuns: 60 },
    )
  })

  test('a refusal is not remembered: the next good token is accepted', async () => {
    await lab.refused(verifier, 'x.y.z', 'TOKEN_MALFORMED')
    await lab.run(verifier.verify(await lab.forge(key)))
  })
})
