/**
 * The public keys that a verifier knows. They come from whoever issues tokens, and must outlive its outages: the last good set stays in memory and on disk, and is
 * fetched again when it grows old or when a token names a key that is not in it. The latter is limited, so that forged key ids do not become
 * requests to the issuer.
 */
import type { CryptoKey } from 'jose'
import { isFault } from '../kernel/fault.ts'
import type { Runtime } from '../kernel/runtime.ts'
import type { Logger } from '../telemetry/telemetry.ts'
import { toPublicJwks } from './jwk.ts'
import type { PublicJwk, SignatureAlgorithm } from './security.ts'
import { keysUnavailable, tokenFault } from './token-faults.ts'

/** Where the keys come from. */
export interface KeySetOptions {
  /** Fetches the current set, such as a call to the issuer's `/.well-known/jwks.json`. */
  readonly keys: () => Promise<{ readonly keys: readonly unknown[] }>
  /** File that keeps the last good set across restarts. Default: none. */
  readonly cachePath?: string
  /** Age at which the set is fetched again in the background, in milliseconds. Default 600,000: how long a withdrawn key lives on at most, while the issuer answers. */
  readonly maxAgeMs?: number
  /** Least time between two fetches for an unknown key, in milliseconds. Default 10,000. After a failed fetch it is a tenth, so that an issuer that comes back is noticed. */
  readonly minRefreshMs?: number
  readonly algorithms: readonly SignatureAlgorithm[]
  readonly logger?: Logger
}

/** A key that verifies. */
export interface KnownKey {
  readonly jwk: PublicJwk
  readonly key: CryptoKey
  /** Set when the issuer no longer lists it: what it signed counts no more. */
  gone: boolean
}

/** The keys of one issuer. */
export class KeySet {
  readonly #runtime: Runtime
  readonly #options: Required<Pick<KeySetOptions, 'maxAgeMs' | 'minRefreshMs'>> & KeySetOptions
  readonly #keys = new Map<string, KnownKey>()
  #fromDisk: Promise<void> | undefined
  #refreshing: Promise<void> | undefined
  #lastFailed: unknown
  #nextRefresh = Number.NEGATIVE_INFINITY
  /** Monotonic time from which on the set is old. */
  staleAt: number = Number.NEGATIVE_INFINITY

  constructor(runtime: Runtime, options: KeySetOptions) {
    this.#runtime = runtime
    this.#options = { ...options, maxAgeMs: options.maxAgeMs ?? 600_000, minRefreshMs: options.minRefreshMs ?? 10_000 }
  }

  /** The key of this id. Fails with `TOKEN_KEY_UNKNOWN` when the issuer does not list it, and with `KEYS_UNAVAILABLE` when that can't be known. */
  async find(kid: string): Promise<KnownKey> {
    this.#fromDisk ??= this.#readDisk()
    await this.#fromDisk
    const known = this.#keys.get(kid)
    if (known !== undefined) {
      this.refreshWhenStale()
      return known
    }
    await this.#refresh()
    const found = this.#keys.get(kid)
    if (found !== undefined) return found
    // A fetch that failed leaves open whether the key is a new one; only a set that was just had can say that it is not.
    if (this.#keys.size === 0 || this.#lastFailed !== undefined) throw keysUnavailable(this.#lastFailed)
    throw tokenFault('TOKEN_KEY_UNKNOWN')
  }

  /** Fetches an old set anew without anybody waiting for it. Cheap when there is nothing to do. */
  refreshWhenStale(): void {
    if (this.#runtime.clock.monotonic() >= this.staleAt) void this.#refresh()
  }

  #refresh(): Promise<void> {
    if (this.#refreshing !== undefined) return this.#refreshing
    const now = this.#runtime.clock.monotonic()
    if (now < this.#nextRefresh) return Promise.resolve()
    this.#refreshing = this.#fetch().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  async #fetch(): Promise<void> {
    const { keys, minRefreshMs, maxAgeMs, algorithms, logger } = this.#options
    const { clock } = this.#runtime
    try {
      const jwks = toPublicJwks(await keys(), algorithms)
      if (jwks.length === 0) throw new TypeError('The JWK set holds no usable key; the last good set stays.')
      const changed = await this.#replace(jwks)
      this.#lastFailed = undefined
      this.#nextRefresh = clock.monotonic() + minRefreshMs
      this.staleAt = clock.monotonic() + maxAgeMs
      if (changed) await this.#writeDisk(jwks)
    } catch (error) {
      this.#lastFailed = error
      this.#nextRefresh = clock.monotonic() + minRefreshMs / 10
      this.staleAt = this.#nextRefresh
      logger?.log(
        'warn',
        'the keys that verify tokens could not be fetched; the last ones stay in use',
        {},
        undefined,
        error,
      )
    }
  }

  async #replace(jwks: readonly PublicJwk[]): Promise<boolean> {
    const before = [...this.#keys.keys()].join()
    const next = new Map<string, KnownKey>()
    for (const jwk of jwks) {
      const known = this.#keys.get(jwk.kid)
      const same = known !== undefined && JSON.stringify(known.jwk) === JSON.stringify(jwk)
      next.set(jwk.kid, same ? known : await this.#import(jwk))
    }
    let changed = before !== [...next.keys()].join()
    for (const [kid, known] of this.#keys) {
      if (next.get(kid) === known) continue
      known.gone = true
      changed = true
    }
    this.#keys.clear()
    for (const [kid, known] of next) this.#keys.set(kid, known)
    return changed
  }

  async #import(jwk: PublicJwk): Promise<KnownKey> {
    const { importJWK } = await this.#runtime.native(import('jose/key/import'))
    // Only asymmetric keys come this far, and these become a CryptoKey.
    const key = (await this.#runtime.native(importJWK({ ...jwk }, jwk.alg))) as CryptoKey
    return { jwk, key, gone: false }
  }

  async #readDisk(): Promise<void> {
    const { cachePath, algorithms, logger } = this.#options
    if (cachePath === undefined) return
    try {
      const bytes = await this.#runtime.fs.read(cachePath)
      if (bytes === undefined) return
      await this.#replace(toPublicJwks(JSON.parse(new TextDecoder().decode(bytes)), algorithms))
    } catch (error) {
      logger?.log(
        'warn',
        'the cached keys could not be read; fetching them instead',
        { path: cachePath },
        undefined,
        error,
      )
    }
  }

  async #writeDisk(keys: readonly PublicJwk[]): Promise<void> {
    const { cachePath, logger } = this.#options
    if (cachePath === undefined) return
    try {
      await this.#runtime.fs.write(cachePath, JSON.stringify({ keys }))
    } catch (error) {
      if (!isFault(error)) throw error
      logger?.log(
        'warn',
        'the keys could not be cached on disk; a restart will need their issuer',
        { path: cachePath },
        undefined,
        error,
      )
    }
  }
}
