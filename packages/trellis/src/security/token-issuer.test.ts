import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { Fault } from '../kernel/index.ts'
import { fileKeys, memoryKeys } from './key-storage.ts'
import type { TokenVerifier, VerifiedToken } from './security.ts'
import type { TokenIssuer } from './token-issuer.ts'
import { TokenLab } from './tokens.test-lab.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

let lab: TokenLab

beforeEach(() => {
  lab = new TokenLab()
})

const kids = async (issuer: TokenIssuer): Promise<string[]> => (await lab.run(issuer.jwks())).keys.map(key => key.kid)
const signer = async (issuer: TokenIssuer, verifier: TokenVerifier): Promise<VerifiedToken> =>
  lab.run(verifier.verify((await lab.run(issuer.issue({ subject: 'u' }))).token))

test('a new key is published before it signs, and the old one until its last token has ended', async () => {
  const issuer = lab.issuer()
  const verifier = lab.verifier()
  const first = (await signer(issuer, verifier)).keyId
  await lab.runtime.advance(7 * DAY)
  const published = await kids(issuer)
  assert.equal(published.length, 2)
  assert.equal((await signer(issuer, verifier)).keyId, first)
  await lab.runtime.advance(16 * 60_000)
  const second = await signer(issuer, verifier)
  assert.equal(second.keyId, published[1])
  assert.deepEqual(await kids(issuer), published)
  await lab.runtime.advance(HOUR + 5 * 60_000)
  assert.deepEqual(await kids(issuer), [second.keyId])
})

test('no token is refused while keys rotate', async () => {
  const issuer = lab.issuer({ rotateEveryMs: 2 * HOUR })
  const verifier = lab.verifier()
  const living: { token: string; expiresAt: number }[] = []
  for (let step = 0; step < 100; step++) {
    living.push(await lab.run(issuer.issue({ subject: `u-${step}` })))
    for (const { token, expiresAt } of living)
      if (expiresAt > lab.runtime.clock.now()) await lab.run(verifier.verify(token))
    await lab.runtime.advance(7 * 60_000)
  }
  assert.ok((await kids(issuer)).length <= 2)
})

test('two issuers on one storage sign with keys that both publish', async () => {
  const keys = memoryKeys()
  const one = lab.issuer({ keys })
  const two = lab.issuer({ keys })
  await kids(one)
  assert.deepEqual(await kids(two), await kids(one))
  await lab.runtime.advance(7 * DAY)
  await kids(one)
  await lab.runtime.advance(60_000)
  assert.deepEqual(await kids(two), await kids(one))
})

test('a storage that fails is asked again by the next call', async () => {
  const keys = memoryKeys()
  let down = true
  const issuer = lab.issuer({
    keys: { ...keys, load: () => (down ? Promise.reject(new Fault('unavailable', 'no')) : keys.load()) },
  })
  await lab.run(assert.rejects(issuer.issue({ subject: 'u' }), { code: 'unavailable' }))
  down = false
  await lab.run(issuer.issue({ subject: 'u' }))
})

test('keys in a file are read back, and a file of something else is refused without its text', async () => {
  const issuer = lab.issuer({ keys: fileKeys(lab.runtime, '/data/keys.json') })
  const before = await kids(issuer)
  assert.deepEqual(await kids(lab.issuer({ keys: fileKeys(lab.runtime, '/data/keys.json') })), before)
  await lab.run(lab.runtime.fs.write('/data/keys.json', '{"keys":[{"secret":"hunter2"}]}'))
  await lab.run(
    assert.rejects(fileKeys(lab.runtime, '/data/keys.json').load(), (fault: Fault) => {
      assert.equal(fault.reason, 'KEY_FILE_INVALID')
      return !fault.message.includes('hunter2')
    }),
  )
})

test('the private key is in the storage alone', async () => {
  const issuer = lab.issuer()
  assert.doesNotMatch(JSON.stringify(await lab.run(issuer.jwks())), /"d"/)
})
