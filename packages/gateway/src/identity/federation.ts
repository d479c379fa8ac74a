import * as oidc from 'openid-client'
import type { Clock } from '#base'
import type { ErrorCode } from '#model'
import { boundedFetch } from './bounded-fetch.ts'
import type { UpstreamProvider } from './options.ts'
import { type PersonClaims, readPersonClaims } from './person.ts'

const TIMEOUT_SECONDS = 5
const CLOCK_TOLERANCE_SECONDS = 30
/** Metadata is asked for again after this long, so that an endpoint can move. */
const METADATA_KEPT_MS = 60 * 60_000
/** Readiness is asked for often and by anybody: an identity provider that is away is not asked each time. */
const PROBE_AGAIN_MS = 5000
const DEFAULT_SCOPES = ['openid', 'profile', 'email']

/** What must be remembered between sending somebody to the identity provider and their coming back. */
export interface UpstreamLogin {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
}

/** A login that did not come to pass, and why. */
export class LoginRefused extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, reason: string, options?: ErrorOptions) {
    super(reason, options)
    this.code = code
  }
}

/** The customer's identity provider, to which logins are handed (OpenID Connect, authorization code with PKCE). */
export class Federation {
  readonly #upstream: UpstreamProvider
  readonly #callbackUrl: string
  readonly #clock: Clock
  /** One configuration, with its cached metadata and keys; made anew when it is old or the client's secret has changed. */
  #current: { readonly config: oidc.Configuration; readonly madeAtMs: number; readonly secret: string } | undefined

  #probe: Promise<boolean> | undefined
  #awayAtMs = Number.NEGATIVE_INFINITY

  constructor(upstream: UpstreamProvider, callbackUrl: string, clock: Clock) {
    this.#upstream = upstream
    this.#callbackUrl = callbackUrl
    this.#clock = clock
  }

  /** Where to send the browser. @throws {LoginRefused} `SP_AUTH_UNAVAILABLE` */
  async begin(loginHint?: string): Promise<{ readonly url: string; readonly login: UpstreamLogin }> {
    const config = await this.#configure()
    const login = {
      state: oidc.randomState(),
      nonce: oidc.randomNonce(),
      codeVerifier: oidc.randomPKCECodeVerifier(),
    }
    const url = oidc.buildAuthorizationUrl(config, {
      redirect_uri: this.#callbackUrl,
      scope: [...new Set(['openid', ...(this.#upstream.scopes ?? DEFAULT_SCOPES)])].join(' '),
      state: login.state,
      nonce: login.nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(login.codeVerifier),
      code_challenge_method: 'S256',
      ...(loginHint === undefined ? {} : { login_hint: loginHint }),
    })
    return { url: url.href, login }
  }

  /**
   * Turns the identity provider's answer (the query of the callback) into a person: state, `iss`, PKCE, nonce, the ID token's signature
   * and claims are checked.
   *
   * @throws {LoginRefused} `SP_AUTH_LOGIN_REFUSED`, `SP_AUTH_NO_SUBJECT`, `SP_AUTH_UNAVAILABLE`
   */
  async finish(query: string, login: UpstreamLogin): Promise<PersonClaims> {
    const config = await this.#configure()
    const claims = await this.#redeem(config, query, login)
    const person = readPersonClaims(claims, config.serverMetadata().issuer, this.#upstream)
    if ('code' in person) throw new LoginRefused(person.code, person.reason)
    return person
  }

  /** Whether the identity provider answers. Those who ask at once share one answer, and a No is good for some seconds. */
  async isReachable(): Promise<boolean> {
    if (this.#clock.monotonicMs() - this.#awayAtMs < PROBE_AGAIN_MS) return false
    this.#probe ??= this.#configure().then(
      () => this.#probed(true),
      () => this.#probed(false),
    )
    return await this.#probe
  }

  #probed(isThere: boolean): boolean {
    this.#probe = undefined
    this.#awayAtMs = isThere ? Number.NEGATIVE_INFINITY : this.#clock.monotonicMs()
    return isThere
  }

  async #redeem(
    config: oidc.Configuration,
    query: string,
    login: UpstreamLogin,
  ): Promise<Readonly<Record<string, unknown>>> {
    try {
      const tokens = await oidc.authorizationCodeGrant(config, new URL(`${this.#callbackUrl}?${query}`), {
        expectedState: login.state,
        expectedNonce: login.nonce,
        pkceCodeVerifier: login.codeVerifier,
        idTokenExpected: true,
      })
      return { ...tokens.claims() }
    } catch (error) {
      throw toLoginRefused(error)
    }
  }

  async #configure(): Promise<oidc.Configuration> {
    try {
      const secret = (await this.#upstream.clientSecret?.())?.expose() ?? ''
      const known = this.#current
      const isFresh = known !== undefined && this.#clock.nowMs() - known.madeAtMs < METADATA_KEPT_MS
      if (isFresh && known.secret === secret) return known.config
      const config = await this.#discover(secret)
      this.#current = { config, madeAtMs: this.#clock.nowMs(), secret }
      return config
    } catch (error) {
      throw new LoginRefused('SP_AUTH_UNAVAILABLE', 'the identity provider cannot be reached', { cause: error })
    }
  }

  async #discover(secret: string): Promise<oidc.Configuration> {
    const issuer = new URL(this.#upstream.issuer)
    const config = await oidc.discovery(
      issuer,
      this.#upstream.clientId,
      { [oidc.clockTolerance]: CLOCK_TOLERANCE_SECONDS },
      secret === '' ? oidc.None() : oidc.ClientSecretBasic(secret),
      {
        timeout: TIMEOUT_SECONDS,
        [oidc.customFetch]: fetchForLibrary,
        // Settings let http through on loopback only.
        execute: [
          oidc.enableNonRepudiationChecks,
          ...(issuer.protocol === 'http:' ? [oidc.allowInsecureRequests] : []),
        ],
      },
    )
    return config
  }
}

/** The library sends forms and nothing else, though its type says more. */
const fetchForLibrary: oidc.CustomFetch = async (url, { method, headers, body, signal }) =>
  await boundedFetch(url, { method, headers, body: body instanceof URLSearchParams ? body : undefined, signal })

function toLoginRefused(error: unknown): LoginRefused {
  if (error instanceof oidc.AuthorizationResponseError || error instanceof oidc.ResponseBodyError)
    return new LoginRefused('SP_AUTH_LOGIN_REFUSED', `the identity provider answered: ${error.error}`, { cause: error })
  if (error instanceof oidc.WWWAuthenticateChallengeError)
    return new LoginRefused(
      'SP_AUTH_LOGIN_REFUSED',
      "the identity provider does not accept Sallyport's own credentials",
      {
        cause: error,
      },
    )
  if (/"sub"/.test(innermostMessage(error)))
    return new LoginRefused('SP_AUTH_NO_SUBJECT', 'the ID token has no stable subject', { cause: error })
  if (isUnreachable(error))
    return new LoginRefused('SP_AUTH_UNAVAILABLE', 'the identity provider did not answer', { cause: error })
  return new LoginRefused('SP_AUTH_LOGIN_REFUSED', "the identity provider's answer did not pass the checks", {
    cause: error,
  })
}

function isUnreachable(error: unknown): boolean {
  // `fetch` throws a TypeError when there is no answer.
  if (error instanceof TypeError && error.message === 'fetch failed') return true
  return error instanceof oidc.ClientError && (error.code === 'OAUTH_TIMEOUT' || error.code === 'OAUTH_ABORT')
}

function innermostMessage(error: unknown): string {
  let innermost = error
  // Causes are made by the library, three deep at most.
  for (let depth = 0; depth < 5 && innermost instanceof Error && innermost.cause instanceof Error; depth++)
    innermost = innermost.cause
  return innermost instanceof Error ? innermost.message : ''
}
