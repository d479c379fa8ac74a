import { decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose'
import type { Clock } from '#base'
import type { ErrorCode } from '#model'
import { CheckedJobTokens } from './checked-job-tokens.ts'
import { IssuerKeys } from './issuer-keys.ts'
import type { WorkloadRule } from './options.ts'
import { isSubject } from './person.ts'

/** Longer than any job token seen; nothing longer is parsed. */
const MAX_LENGTH = 8192
/** Asymmetric only: with a symmetric one the published key would sign. */
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA']
const SKEW_SECONDS = 30
/** A job token that is good for longer is a stored credential, and a revocation would have to be remembered as long. */
export const MAX_JOB_TOKEN_SECONDS: number = 24 * 60 * 60

/** A job token that was accepted. */
export interface JobToken {
  readonly kind: 'job'
  readonly rule: WorkloadRule
  readonly subject: string
  readonly issuedAtMs: number
  readonly expiresAtMs: number
}

/** A job token that was not. */
export interface RefusedJobToken {
  readonly kind: 'refused'
  readonly code: ErrorCode
  readonly reason: string
}

/** Checks tokens that CI systems give their jobs: JWTs of the configured issuers. */
export class JobTokens {
  readonly #rules: ReadonlyMap<string, readonly WorkloadRule[]>
  readonly #keys = new Map<string, IssuerKeys>()
  readonly #checked = new CheckedJobTokens()
  readonly #clock: Clock
  readonly #publicUrl: string

  constructor(rules: readonly WorkloadRule[], publicUrl: string, clock: Clock) {
    this.#rules = Map.groupBy(rules, ({ issuer }) => issuer)
    for (const { issuer, jwksUri } of rules) this.#keys.set(issuer, new IssuerKeys(issuer, jwksUri, clock))
    this.#clock = clock
    this.#publicUrl = publicUrl
  }

  /**
   * Checks a token presented for one audience: signature, `iss`, `aud`, `exp`, `nbf`, `iat`, `sub`, and the claims of one rule. The same token for the
   * same audience is checked once a minute.
   */
  async check(token: string, audience: string): Promise<JobToken | RefusedJobToken> {
    if (token.length > MAX_LENGTH) return refuse('the token is too long')
    const nowMs = this.#clock.nowMs()
    const known = this.#checked.get(token, audience, nowMs)
    if (known !== undefined) return known
    const checked = await this.#check(token, audience)
    if (checked.kind === 'job') this.#checked.set(token, audience, { token: checked, nowMs })
    return checked
  }

  async #check(token: string, audience: string): Promise<JobToken | RefusedJobToken> {
    const issuer = readIssuer(token)
    const rules = issuer === undefined ? undefined : this.#rules.get(issuer)
    const keys = issuer === undefined ? undefined : this.#keys.get(issuer)
    if (issuer === undefined || rules === undefined || keys === undefined)
      return refuse("the token's issuer is not one of the configured ones")
    try {
      const { payload } = await jwtVerify(token, (header, input) => keys.find(header, input), {
        issuer,
        algorithms: ALGORITHMS,
        clockTolerance: SKEW_SECONDS,
        currentDate: new Date(this.#clock.nowMs()),
        requiredClaims: ['aud', 'exp', 'iat'],
      })
      return this.#match(payload, rules, audience)
    } catch (error) {
      return toRefusal(error)
    }
  }

  #match(payload: JWTPayload, rules: readonly WorkloadRule[], audience: string): JobToken | RefusedJobToken {
    const { sub, iat = 0, exp = 0 } = payload
    if (!isSubject(sub)) return refuse('the token has no stable subject', 'SP_AUTH_NO_SUBJECT')
    // jose allows `iat` in the future as long as no maximum age is asked for.
    if (iat > this.#clock.nowMs() / 1000 + SKEW_SECONDS) return refuse('iat lies in the future')
    if (exp - iat > MAX_JOB_TOKEN_SECONDS) return refuse('the token is good for longer than a day')
    const matching = rules.filter((rule) => hasClaims(payload, rule))
    const [rule] = matching
    if (rule === undefined) return refuse("the token's claims are not those of a configured workload")
    if (matching.length > 1) return refuse("the token's claims are those of more than one configured workload")
    if (!isFor(payload, [rule.audience ?? this.#publicUrl, audience])) return refuse('aud is not what it must be')
    return { kind: 'job', rule, subject: sub, issuedAtMs: Math.floor(iat * 1000), expiresAtMs: Math.floor(exp * 1000) }
  }
}

/** Whether a secret has the form of a JWT: three parts. */
export function isJwtShaped(secret: string): boolean {
  return secret.split('.', 4).length === 3
}

/**
 * The part of a job token that its issuer signed, by which it is named: an ECDSA signature has a twin that every verifier accepts too, so
 * whoever holds a token can write it in another way.
 */
export function signedPart(token: string): string {
  return token.slice(0, token.lastIndexOf('.'))
}

/** Exactly one audience: a token that is also for somebody else could be presented here by them. */
function isFor({ aud }: JWTPayload, accepted: readonly string[]): boolean {
  const audiences = typeof aud === 'string' ? [aud] : (aud ?? [])
  const [only] = audiences
  return audiences.length === 1 && only !== undefined && accepted.includes(only)
}

function hasClaims(payload: JWTPayload, { claims }: WorkloadRule): boolean {
  return Object.entries(claims).every(([name, value]) => Object.hasOwn(payload, name) && payload[name] === value)
}

/** Which issuer's keys to try; nothing else is believed before the signature was checked. */
function readIssuer(token: string): string | undefined {
  try {
    return decodeJwt(token).iss
  } catch {
    return undefined
  }
}

function toRefusal(error: unknown): RefusedJobToken {
  if (error instanceof errors.JWTExpired)
    return refuse('the job token has expired; ask for it right before use', 'SP_AUTH_TOKEN_EXPIRED')
  if (error instanceof errors.JWTClaimValidationFailed) return refuse(`${error.claim} is not what it must be`)
  if (error instanceof errors.JOSEAlgNotAllowed) return refuse("the token's algorithm is not accepted")
  if (error instanceof errors.JWSSignatureVerificationFailed) return refuse("the token's signature is not good")
  if (error instanceof errors.JWKSNoMatchingKey) return refuse("the token's issuer has no such key")
  if (error instanceof errors.JWKSMultipleMatchingKeys)
    return refuse('the token does not say which key of its issuer signed it')
  // Whatever else jose found wrong with it.
  if (
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JOSENotSupported
  )
    return refuse('the token is not well-formed')
  return refuse("the issuer's keys cannot be had just now", 'SP_AUTH_UNAVAILABLE')
}

function refuse(reason: string, code: ErrorCode = 'SP_AUTH_JOB_TOKEN_INVALID'): RefusedJobToken {
  return { kind: 'refused', code, reason }
}
