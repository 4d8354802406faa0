import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { beforeEach, describe, test } from 'node:test'
import fc from 'fast-check'
import { importJWK, SignJWT } from 'jose'
import { Fault, sleep } from '../kernel/index.ts'
import { createVirtualRuntime, type VirtualRuntime } from '../testing/index.ts'
import { fileKeys, memoryKeys } from './key-storage.ts'
import type { JwkSet, TokenVerifier, VerifiedToken } from './security.ts'
import { newSigningKey, type SigningKey } from './signing-key.ts'
import { createTokenIssuer, type TokenIssuer, type TokenIssuerOptions } from './token-issuer.ts'
import { createTokenVerifier, type TokenVerifierOptions } from './token-verifier.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

let runtime: VirtualRuntime
let fetches: number
let source: () => Promise<{ readonly keys: readonly unknown[] }>

beforeEach(() => {
  runtime = createVirtualRuntime({ seed: 1 })
  fetches = 0
})

function issuerOf(options: Partial<TokenIssuerOptions> = {}): TokenIssuer {
  const issuer = createTokenIssuer(runtime, { keys: memoryKeys(), issuer: 'shop', audience: 'shop', ...options })
  source = () => issuer.jwks()
  return issuer
}

function verifierOf(options: Partial<TokenVerifierOptions> = {}): TokenVerifier {
  const keys = (): ReturnType<typeof source> => {
    fetches++
    return source()
  }
  return createTokenVerifier(runtime, { keys, issuer: 'shop', audience: 'shop', ...options })
}

/** Any promise under virtual time. */
function run<T>(work: T | Promise<T>): Promise<T> {
  return runtime.run(Promise.resolve(work))
}

function refused(verifier: TokenVerifier, token: string, reason: string, code = 'unauthenticated'): Promise<void> {
  return run(assert.rejects(Promise.resolve(verifier.verify(token)), { name: 'Fault', code, reason }))
}

/** A token as somebody else would make it: every part can be wrong. */
async function forge(key: SigningKey, header: object, claims: object): Promise<string> {
  const now = Math.floor(runtime.clock.now() / 1000)
  const payload = { iss: 'shop', aud: 'shop', sub: 'u-1', iat: now, exp: now + 3600, ...claims }
  const imported = await runtime.native(importJWK({ ...key.privateJwk, kty: key.publicJwk.kty }, key.algorithm))
  const jwt = new SignJWT(JSON.parse(JSON.stringify(payload)))
  jwt.setProtectedHeader({ alg: key.algorithm, kid: key.kid, typ: 'at+jwt', ...header })
  return runtime.native(jwt.sign(imported))
}

function unsigned(header: object, claims: object, signature = ''): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part(header)}.${part(claims)}.${signature}`
}

describe('issuing and verifying', () => {
  for (const algorithm of ['EdDSA', 'ES256'] as const) {
    test(`a token signed with ${algorithm} says what its issuer said`, async () => {
      const issuer = issuerOf({ algorithm })
      const { token, expiresAt } = await run(
        issuer.issue({ subject: 'u-1', roles: ['clerk'], claims: { sub: 'other', tenant: 't' } }),
      )
      const verified = await run(verifierOf().verify(token))
      assert.equal(verified.subject, 'u-1')
      assert.deepEqual(verified.roles, ['clerk'])
      assert.equal(verified.claims.tenant, 't')
      assert.equal(verified.expiresAt, expiresAt)
      assert.equal(expiresAt, runtime.clock.now() + HOUR)
    })
  }

  test('a token that is known is verified at once, without a promise and with the same result', async () => {
    const { token } = await run(issuerOf().issue({ subject: 'u-1' }))
    const verifier = verifierOf()
    const first = await run(verifier.verify(token))
    assert.equal(verifier.verify(token), first)
  })

  test('a token ends at its expiry and the leeway, cached or not', async () => {
    const { token } = await run(issuerOf().issue({ subject: 'u-1' }))
    const verifier = verifierOf()
    await run(verifier.verify(token))
    await runtime.advance(HOUR + 4_000)
    assert.ok(!(verifier.verify(token) instanceof Promise))
    await runtime.advance(2_000)
    await refused(verifier, token, 'TOKEN_EXPIRED')
    await refused(verifierOf(), token, 'TOKEN_EXPIRED')
  })

  test('the least recently used token makes room for another', async () => {
    const issuer = issuerOf()
    const verifier = verifierOf({ cacheSize: 2 })
    const tokens: string[] = []
    for (const subject of ['a', 'b', 'c']) tokens.push((await run(issuer.issue({ subject }))).token)
    const [a, b, c] = tokens as [string, string, string]
    await run(verifier.verify(a))
    await run(verifier.verify(b))
    await runtime.advance(1_500)
    verifier.verify(a)
    await run(verifier.verify(c))
    assert.ok(!(verifier.verify(a) instanceof Promise))
    const again = verifier.verify(b)
    assert.ok(again instanceof Promise)
    await run(again)
  })

  test('roles that are not a list of strings count for nothing', async () => {
    issuerOf()
    const key = newSigningKey(runtime)
    source = async () => ({ keys: [key.publicJwk] })
    const verifier = verifierOf()
    const rolesOf = async (roles: unknown): Promise<readonly string[]> =>
      (await run(verifier.verify(await forge(key, {}, { roles })))).roles
    assert.deepEqual(await rolesOf('admin'), [])
    assert.deepEqual(await rolesOf([1, 'clerk', { admin: true }]), ['clerk'])
  })

  test('options that can not work are refused where the verifier is made', () => {
    issuerOf()
    assert.throws(() => verifierOf({ algorithms: ['HS256' as never] }), /algorithms is \["HS256"\]/)
    assert.throws(() => verifierOf({ algorithms: [] }), TypeError)
    assert.throws(() => verifierOf({ leewayMs: -1 }), RangeError)
    assert.throws(() => verifierOf({ cacheSize: 0 }), RangeError)
    assert.throws(() => issuerOf({ lifetimeMs: 0 }), /lifetimeMs is 0/)
  })
})

describe('hostile tokens', () => {
  let key: SigningKey
  let verifier: TokenVerifier
  const claims = (): object => {
    const now = Math.floor(runtime.clock.now() / 1000)
    return { iss: 'shop', aud: 'shop', sub: 'u-1', iat: now, exp: now + 60 }
  }

  beforeEach(() => {
    key = newSigningKey(runtime)
    source = async () => ({ keys: [key.publicJwk] })
    verifier = verifierOf()
  })

  test('no signature at all', async () => {
    for (const alg of ['none', 'None', 'NONE', '']) {
      const token = unsigned({ alg, kid: key.kid, typ: 'at+jwt' }, claims())
      await run(assert.rejects(Promise.resolve(verifier.verify(token)), { code: 'unauthenticated' }))
    }
  })

  test('the public key used as the secret of an HMAC', async () => {
    const head = unsigned({ alg: 'HS256', kid: key.kid, typ: 'at+jwt' }, claims()).slice(0, -1)
    const mac = createHmac('sha256', Buffer.from(key.publicJwk.x as string, 'base64url')).update(head)
    await refused(verifier, `${head}.${mac.digest('base64url')}`, 'TOKEN_ALGORITHM_REFUSED')
  })

  test('another key under a known id, and a key that the token brings along', async () => {
    const other = { ...newSigningKey(runtime), kid: key.kid }
    await refused(verifier, await forge(other, {}, {}), 'TOKEN_SIGNATURE_INVALID')
    await refused(
      verifier,
      await forge(other, { jwk: other.publicJwk, jku: 'https://evil.example' }, {}),
      'TOKEN_SIGNATURE_INVALID',
    )
  })

  test('an algorithm that is not the key\u2019s own', async () => {
    const other = { ...newSigningKey(runtime, 'ES256'), kid: key.kid }
    await refused(verifier, await forge(other, {}, {}), 'TOKEN_ALGORITHM_REFUSED')
  })

  test('an unknown key id, and none', async () => {
    await refused(verifier, await forge(newSigningKey(runtime), {}, {}), 'TOKEN_KEY_UNKNOWN')
    await refused(verifier, await forge(key, { kid: undefined }, {}), 'TOKEN_KEY_UNKNOWN')
  })

  test('a changed claim', async () => {
    const [head, , signature] = (await forge(key, {}, {})).split('.')
    const payload = Buffer.from(JSON.stringify({ ...claims(), sub: 'admin' })).toString('base64url')
    await refused(verifier, `${head}.${payload}.${signature}`, 'TOKEN_SIGNATURE_INVALID')
  })

  test('made elsewhere, for others, or for another purpose', async () => {
    await refused(verifier, await forge(key, {}, { iss: 'evil' }), 'TOKEN_CLAIMS_REFUSED')
    await refused(verifier, await forge(key, {}, { aud: 'bank' }), 'TOKEN_CLAIMS_REFUSED')
    await refused(verifier, await forge(key, {}, { aud: undefined }), 'TOKEN_CLAIMS_REFUSED')
    await refused(verifier, await forge(key, { typ: 'trellis-service+jwt' }, {}), 'TOKEN_CLAIMS_REFUSED')
    await refused(verifier, await forge(key, { typ: undefined }, {}), 'TOKEN_CLAIMS_REFUSED')
    await refused(verifier, await forge(key, {}, { sub: undefined }), 'TOKEN_CLAIMS_REFUSED')
    await refused(verifier, await forge(key, {}, { sub: '' }), 'TOKEN_CLAIMS_REFUSED')
    await refused(verifier, await forge(key, {}, { exp: undefined }), 'TOKEN_CLAIMS_REFUSED')
  })

  test('from the past and from the future', async () => {
    const now = Math.floor(runtime.clock.now() / 1000)
    await refused(verifier, await forge(key, {}, { exp: now - 6 }), 'TOKEN_EXPIRED')
    await refused(verifier, await forge(key, {}, { nbf: now + 60 }), 'TOKEN_NOT_YET_VALID')
    await refused(verifier, await forge(key, {}, { iat: now + 60 }), 'TOKEN_NOT_YET_VALID')
    await run(verifier.verify(await forge(key, {}, { nbf: now + 4, iat: now + 4 })))
  })

  test('a critical extension that is not understood', async () => {
    const token = unsigned({ alg: 'EdDSA', kid: key.kid, typ: 'at+jwt', crit: ['x'], x: 1 }, claims(), 'AAAA')
    await refused(verifier, token, 'TOKEN_MALFORMED')
  })

  test('too large', async () => {
    await refused(verifier, 'x'.repeat(8_193), 'TOKEN_TOO_LARGE')
    await refused(verifier, await forge(key, {}, { junk: 'x'.repeat(9_000) }), 'TOKEN_TOO_LARGE')
    assert.equal(fetches, 0)
  })

  test('garbage of any kind is unauthenticated and nothing else', async () => {
    const good = await forge(key, {}, {})
    await run(verifier.verify(good))
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
    await refused(verifier, 'x.y.z', 'TOKEN_MALFORMED')
    await run(verifier.verify(await forge(key, {}, {})))
  })
})

describe('keys', () => {
  test('without keys a verifier is unavailable, and recovers when they come', async () => {
    const issuer = issuerOf()
    const { token } = await run(issuer.issue({ subject: 'u-1' }))
    source = async () => {
      throw new Fault('unavailable', 'users are down')
    }
    const verifier = verifierOf()
    await refused(verifier, token, 'KEYS_UNAVAILABLE', 'unavailable')
    source = async () => ({ keys: [] })
    await runtime.advance(1_000)
    await refused(verifier, token, 'KEYS_UNAVAILABLE', 'unavailable')
    source = () => issuer.jwks()
    await runtime.advance(1_000)
    await run(verifier.verify(token))
  })

  test('keys on disk outlive a restart while their issuer is down', async () => {
    const { token } = await run(issuerOf().issue({ subject: 'u-1' }))
    await run(verifierOf({ cachePath: '/users.jwks' }).verify(token))
    await runtime.settle()
    source = () => Promise.reject(new Error('down'))
    assert.equal((await run(verifierOf({ cachePath: '/users.jwks' }).verify(token))).subject, 'u-1')
  })

  test('keys may take their time to come', async () => {
    const issuer = issuerOf()
    const { token } = await run(issuer.issue({ subject: 'u-1' }))
    source = async () => {
      await sleep(runtime, 3_000)
      return issuer.jwks()
    }
    assert.equal((await run(verifierOf().verify(token))).subject, 'u-1')
  })

  test('a broken cache file is passed over', async () => {
    const { token } = await run(issuerOf().issue({ subject: 'u-1' }))
    for (const text of ['{', '{"keys":3}', '']) {
      await run(runtime.fs.write('/users.jwks', text))
      await run(verifierOf({ cachePath: '/users.jwks' }).verify(token))
    }
  })

  test('a disk that can not be written costs the cache and nothing else', async () => {
    const { token } = await run(issuerOf().issue({ subject: 'u-1' }))
    runtime.fs.trouble({ operation: 'write', code: 'ENOSPC' })
    await run(verifierOf({ cachePath: '/users.jwks' }).verify(token))
  })

  test('many tokens at once fetch the keys once', async () => {
    const issuer = issuerOf()
    const verifier = verifierOf()
    const tokens = await run(Promise.all(['a', 'b', 'c'].map(subject => issuer.issue({ subject }))))
    await run(Promise.all(tokens.map(({ token }) => verifier.verify(token))))
    assert.equal(fetches, 1)
  })

  test('forged key ids do not become requests to the issuer', async () => {
    const { token } = await run(issuerOf().issue({ subject: 'u-1' }))
    const verifier = verifierOf()
    await run(verifier.verify(token))
    for (let attempt = 0; attempt < 20; attempt++) {
      await refused(verifier, await forge(newSigningKey(runtime), {}, {}), 'TOKEN_KEY_UNKNOWN')
    }
    assert.equal(fetches, 1)
    await runtime.advance(10_000)
    await refused(verifier, await forge(newSigningKey(runtime), {}, {}), 'TOKEN_KEY_UNKNOWN')
    assert.equal(fetches, 2)
  })

  test('an unknown key is no bad token while its issuer can not be asked', async () => {
    const { token } = await run(issuerOf().issue({ subject: 'u-1' }))
    const verifier = verifierOf()
    await run(verifier.verify(token))
    source = () => Promise.reject(new Error('down'))
    await runtime.advance(10_000)
    await refused(verifier, await forge(newSigningKey(runtime), {}, {}), 'KEYS_UNAVAILABLE', 'unavailable')
    assert.equal((await run(verifier.verify(token))).subject, 'u-1')
  })

  test('a key that its issuer withdraws ends the tokens it signed, cached ones too', async () => {
    const [one, two] = [newSigningKey(runtime), newSigningKey(runtime)]
    let listed = [one.publicJwk, two.publicJwk]
    source = async () => ({ keys: listed })
    const verifier = verifierOf({ maxAgeMs: 60_000 })
    const [first, second] = [await forge(one, {}, {}), await forge(two, {}, {})]
    await run(verifier.verify(first))
    await run(verifier.verify(second))
    listed = [two.publicJwk]
    await runtime.advance(60_000)
    verifier.verify(first) // notices that the set is old
    await runtime.settle()
    await refused(verifier, first, 'TOKEN_KEY_UNKNOWN')
    assert.ok(!(verifier.verify(second) instanceof Promise))
  })

  test('another key under the same id ends the tokens of the first', async () => {
    const one = newSigningKey(runtime)
    const two = { ...newSigningKey(runtime), kid: one.kid }
    let listed = { ...one.publicJwk }
    source = async () => ({ keys: [listed] })
    const verifier = verifierOf({ maxAgeMs: 60_000 })
    const token = await forge(one, {}, {})
    await run(verifier.verify(token))
    listed = { ...two.publicJwk, kid: one.kid }
    await runtime.advance(60_000)
    verifier.verify(token)
    await runtime.settle()
    await refused(verifier, token, 'TOKEN_SIGNATURE_INVALID')
  })

  test('keys that may not verify are passed over: symmetric, for encryption, without an id, of other kinds', async () => {
    const key = newSigningKey(runtime)
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
    source = async () => ({ keys: [...odd, { ...key.publicJwk, d: 'private' }] })
    const verifier = verifierOf({ cachePath: '/keys' })
    await run(verifier.verify(await forge(key, {}, {})))
    await runtime.settle()
    const cached = new TextDecoder().decode(await run(runtime.fs.read('/keys')))
    assert.deepEqual(JSON.parse(cached), { keys: [key.publicJwk] })
  })
})

describe('rotation', () => {
  const kids = async (issuer: TokenIssuer): Promise<string[]> =>
    ((await run(issuer.jwks())) as JwkSet).keys.map(key => key.kid)
  const signer = async (issuer: TokenIssuer, verifier: TokenVerifier): Promise<VerifiedToken> =>
    run(verifier.verify((await run(issuer.issue({ subject: 'u' }))).token))

  test('a new key is published before it signs, and the old one until its last token has ended', async () => {
    const issuer = issuerOf()
    const verifier = verifierOf()
    const first = (await signer(issuer, verifier)).keyId
    await runtime.advance(7 * DAY)
    const published = await kids(issuer)
    assert.equal(published.length, 2)
    assert.equal((await signer(issuer, verifier)).keyId, first)
    await runtime.advance(16 * 60_000)
    const second = await signer(issuer, verifier)
    assert.equal(second.keyId, published[1])
    assert.deepEqual(await kids(issuer), published)
    await runtime.advance(HOUR + 5 * 60_000)
    assert.deepEqual(await kids(issuer), [second.keyId])
  })

  test('no token is refused while keys rotate', async () => {
    const issuer = issuerOf({ rotateEveryMs: 2 * HOUR })
    const verifier = verifierOf()
    const living: { token: string; expiresAt: number }[] = []
    for (let step = 0; step < 100; step++) {
      living.push(await run(issuer.issue({ subject: `u-${step}` })))
      for (const { token, expiresAt } of living) if (expiresAt > runtime.clock.now()) await run(verifier.verify(token))
      await runtime.advance(7 * 60_000)
    }
    assert.ok((await kids(issuer)).length <= 2)
  })

  test('two issuers on one storage sign with keys that both publish', async () => {
    const keys = memoryKeys()
    const one = issuerOf({ keys })
    const two = issuerOf({ keys })
    await kids(one)
    assert.deepEqual(await kids(two), await kids(one))
    await runtime.advance(7 * DAY)
    await kids(one)
    await runtime.advance(60_000)
    assert.deepEqual(await kids(two), await kids(one))
  })

  test('a storage that fails is asked again by the next call', async () => {
    const keys = memoryKeys()
    let down = true
    const issuer = issuerOf({
      keys: { ...keys, load: () => (down ? Promise.reject(new Fault('unavailable', 'no')) : keys.load()) },
    })
    await run(assert.rejects(issuer.issue({ subject: 'u' }), { code: 'unavailable' }))
    down = false
    await run(issuer.issue({ subject: 'u' }))
  })

  test('keys in a file are read back, and a file of something else is refused without its text', async () => {
    const issuer = issuerOf({ keys: fileKeys(runtime, '/data/keys.json') })
    const before = await kids(issuer)
    assert.deepEqual(await kids(issuerOf({ keys: fileKeys(runtime, '/data/keys.json') })), before)
    await run(runtime.fs.write('/data/keys.json', '{"keys":[{"secret":"hunter2"}]}'))
    await run(
      assert.rejects(fileKeys(runtime, '/data/keys.json').load(), (fault: Fault) => {
        assert.equal(fault.reason, 'KEY_FILE_INVALID')
        return !fault.message.includes('hunter2')
      }),
    )
  })

  test('the private key is in the storage alone', async () => {
    const issuer = issuerOf()
    assert.doesNotMatch(JSON.stringify(await run(issuer.jwks())), /"d"/)
  })
})
