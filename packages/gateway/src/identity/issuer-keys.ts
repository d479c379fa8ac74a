import {
  createRemoteJWKSet,
  type CryptoKey,
  customFetch,
  type FlattenedJWSInput,
  type JWSHeaderParameters,
  type RemoteJWKSet,
} from 'jose'
import type { Clock } from '#base'
import { boundedFetch } from './bounded-fetch.ts'
import { isTrustworthy } from './settings.ts'

const TIMEOUT_MS = 5000
const KEYS_KEPT_MS = 10 * 60_000
/** A token with an unknown key id makes the keys be fetched again, but not more often than this. */
const COOLDOWN_MS = 30_000
/** After a failure nobody waits for another one at once. */
const RETRY_AFTER_MS = 5000

/** The published keys of one issuer of job tokens, fetched when needed and kept for ten minutes. */
export class IssuerKeys {
  readonly #issuer: string
  readonly #jwksUri: string | undefined
  readonly #clock: Clock
  #keys: Promise<RemoteJWKSet> | undefined
  #failedAtMs = Number.NEGATIVE_INFINITY

  constructor(issuer: string, jwksUri: string | undefined, clock: Clock) {
    this.#issuer = issuer
    this.#jwksUri = jwksUri
    this.#clock = clock
  }

  /** The key that a header names. @throws {Error} jose's own when there is none; another when the keys cannot be had. */
  async find(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> {
    if (this.#clock.monotonicMs() - this.#failedAtMs < RETRY_AFTER_MS)
      throw new Error('the keys could not be had just now')
    const keys = await this.#open()
    if (!keys.fresh) await this.#noteFailure(keys.reload())
    return await keys(header, token)
  }

  async #open(): Promise<RemoteJWKSet> {
    this.#keys ??= this.#locate().then((url) =>
      createRemoteJWKSet(url, {
        timeoutDuration: TIMEOUT_MS,
        cacheMaxAge: KEYS_KEPT_MS,
        cooldownDuration: COOLDOWN_MS,
        [customFetch]: boundedFetch,
      }),
    )
    try {
      return await this.#noteFailure(this.#keys)
    } catch (error) {
      this.#keys = undefined
      throw error
    }
  }

  async #noteFailure<T>(fetched: Promise<T>): Promise<T> {
    try {
      return await fetched
    } catch (error) {
      this.#failedAtMs = this.#clock.monotonicMs()
      throw error
    }
  }

  async #locate(): Promise<URL> {
    if (this.#jwksUri !== undefined) return new URL(this.#jwksUri)
    const response = await boundedFetch(`${this.#issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
    const metadata = (await response.json()) as { issuer?: unknown; jwks_uri?: unknown }
    // OpenID Connect Discovery §4.3: "The issuer value returned MUST be identical to the Issuer URL".
    if (response.status !== 200 || metadata.issuer !== this.#issuer)
      throw new Error('the metadata is not that of the issuer')
    const url = typeof metadata.jwks_uri === 'string' ? URL.parse(metadata.jwks_uri) : null
    if (url === null || !isTrustworthy(url)) throw new Error('the metadata names no keys that can be trusted')
    return url
  }
}
