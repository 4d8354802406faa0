import { createECDH, createPrivateKey } from 'node:crypto'
import type { Runtime } from '../kernel/runtime.ts'
import type { PublicJwk } from './security.ts'

/** A key pair that signs tokens. Plain JSON, so that it can be stored; `privateJwk` is a secret. */
export interface SigningKey {
  readonly kid: string
  readonly algorithm: 'EdDSA' | 'ES256'
  /** Milliseconds since 1970. */
  readonly createdAt: number
  readonly publicJwk: PublicJwk
  /** The same key with its private member `d`. */
  readonly privateJwk: Readonly<Record<string, string>>
}

/** PKCS #8 head of an Ed25519 private key (RFC 8410, section 7); the 32 bytes of the seed follow. */
const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** Makes a key pair out of the runtime's unpredictable bytes. Default EdDSA: short signatures, and no nonce that could go wrong. */
export function newSigningKey(runtime: Runtime, algorithm: 'EdDSA' | 'ES256' = 'EdDSA'): SigningKey {
  const kid = Buffer.from(runtime.random.bytes(12)).toString('base64url')
  const createdAt = runtime.clock.now()
  if (algorithm === 'EdDSA') {
    const { x, d } = ed25519(runtime.random.bytes(32))
    const publicJwk: PublicJwk = { kty: 'OKP', kid, alg: 'EdDSA', use: 'sig', crv: 'Ed25519', x }
    return { kid, algorithm, createdAt, publicJwk, privateJwk: { kty: 'OKP', crv: 'Ed25519', x, d } }
  }
  const { x, y, d } = p256(runtime)
  const publicJwk: PublicJwk = { kty: 'EC', kid, alg: 'ES256', use: 'sig', crv: 'P-256', x, y }
  return { kid, algorithm, createdAt, publicJwk, privateJwk: { kty: 'EC', crv: 'P-256', x, y, d } }
}

function ed25519(seed: Uint8Array): { x: string; d: string } {
  const key = createPrivateKey({ key: Buffer.concat([ED25519_PKCS8, seed]), format: 'der', type: 'pkcs8' })
  const { x, d } = key.export({ format: 'jwk' })
  return { x: x as string, d: d as string }
}

function p256(runtime: Runtime): { x: string; y: string; d: string } {
  const ecdh = createECDH('prime256v1')
  for (;;) {
    const scalar = runtime.random.bytes(32)
    try {
      ecdh.setPrivateKey(scalar)
    } catch {
      // 0, or not below the order of the curve: one of 2^32 draws.
      continue
    }
    const point = ecdh.getPublicKey()
    const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
    return { x: text(point.subarray(1, 33)), y: text(point.subarray(33, 65)), d: text(scalar) }
  }
}
