import type { Clock, Secret } from '#base'
import {
  type Credentials,
  type ErrorCode,
  type Identity,
  type IdentityStore,
  type Log,
  type RejectedCredential,
  type Resource,
  type Revocation,
  type Sealer,
  type StoredArtefact,
  type StoredLogin,
  type VerifiedCredential,
} from '#model'
import type { Accounts } from './accounts.ts'
import { audienceOf } from './audiences.ts'
import { openPayload } from './artefacts.ts'
import { isJwtShaped, type JobToken, type JobTokens, signedPart } from './job-tokens.ts'
import type { TokenDigests } from './own-keys.ts'
import type { Settings } from './settings.ts'
import { describeFault } from './fault.ts'

/** Our own tokens: 43 characters today, and room for longer ones. */
const OPAQUE_TOKEN = /^[A-Za-z0-9_-]{43,60}$/
/** Mostly the database's own password, or one of another product. */
const NO_TOKEN = 'what was given as password or bearer has not the form of a token'
/** A token issued before its workload was revoked can bear a time this much later, when its issuer's clock is ahead. */
const SKEW_MS = 30_000

/** What tokens are checked with. */
export interface TokenContext {
  readonly settings: Settings
  readonly store: IdentityStore
  readonly accounts: Accounts
  readonly jobTokens: JobTokens
  readonly digests: TokenDigests
  readonly sealer: Sealer
  readonly clock: Clock
  readonly log: Log
  readonly onRevoked: (listener: (revocation: Revocation) => void) => () => void
}

type Answer = VerifiedCredential | RejectedCredential

/** Tells who a presented secret belongs to. */
export class Tokens implements Credentials {
  readonly #context: TokenContext
  /** Names of job tokens that are checked already: the same text gives the same object as long as it is kept. */
  readonly #names = new WeakMap<JobToken, string>()

  constructor(context: TokenContext) {
    this.#context = context
  }

  async verify(secret: Secret<string>, resource: Resource): Promise<Answer> {
    return await this.verifyFor(secret, audienceOf(this.#context.settings.issuer, resource))
  }

  onRevoked(listener: (revocation: Revocation) => void): () => void {
    return this.#context.onRevoked(listener)
  }

  /** Checks a secret presented for one audience. Never throws: what cannot be checked is rejected. */
  async verifyFor(secret: Secret<string>, audience: string): Promise<Answer> {
    try {
      const text = secret.expose()
      if (text === '') return reject('SP_AUTH_TOKEN_MISSING', 'no token was given')
      if (isJwtShaped(text)) return await this.#checkJobToken(text, audience)
      if (!OPAQUE_TOKEN.test(text)) return reject('SP_AUTH_TOKEN_UNKNOWN', NO_TOKEN)
      return await this.#checkOwnToken(text, audience)
    } catch (error) {
      this.#context.log.error('identity-check-failed', { error: describeFault(error) })
      return reject('SP_AUTH_UNAVAILABLE', 'the token could not be checked')
    }
  }

  async #checkOwnToken(text: string, audience: string): Promise<Answer> {
    const { digests, store, accounts, clock } = this.#context
    const stored = await store.artefacts.find('AccessToken', digests.digest('AccessToken', text))
    const login = stored?.grantId === undefined ? undefined : await store.logins.find(stored.grantId)
    if (stored === undefined || login === undefined)
      return reject('SP_AUTH_TOKEN_UNKNOWN', 'the token was not issued here, or was revoked')
    const identity = await accounts.personOf(login)
    if (identity === undefined) return reject('SP_AUTH_TOKEN_UNKNOWN', 'the owner of the token is not known any more')
    if (login.revoked !== undefined)
      return reject('SP_AUTH_TOKEN_UNKNOWN', 'the login behind the token was revoked', identity)
    const endedAtMs = Math.min(stored.expiresAtMs, login.endsAtMs)
    const ago = clock.nowMs() - endedAtMs
    if (ago >= 0) return reject('SP_AUTH_TOKEN_EXPIRED', `the token expired ${formatAgo(ago)} ago`, identity)
    if (openPayload(stored, this.#context).aud !== audience)
      return reject('SP_AUTH_TOKEN_AUDIENCE', 'the token was issued for another resource', identity)
    // Never issued; checked all the same, because whoever holds the API's token can approve.
    if (identity.agent !== undefined && !this.#context.settings.audiences.mcp.has(audience))
      return reject('SP_AUTH_TOKEN_AUDIENCE', 'an application gets in at MCP servers only', identity)
    return this.#accept(stored, login, identity)
  }

  #accept({ tokenId = '' }: StoredArtefact, login: StoredLogin, identity: Identity): VerifiedCredential {
    return {
      kind: 'verified',
      identity,
      tokenId,
      grantId: login.grantId,
      grantEndsAtMs: login.endsAtMs,
      idleLimitMs: this.#context.settings.idleLimitMs,
    }
  }

  async #checkJobToken(text: string, audience: string): Promise<Answer> {
    const { jobTokens, accounts } = this.#context
    const checked = await jobTokens.check(text, audience)
    if (checked.kind === 'refused') return reject(checked.code, checked.reason)
    const tokenId = this.#nameOf(checked, text)
    const identity = await accounts.workloadOf(checked)
    if (await this.#isRevoked(checked, tokenId))
      return reject('SP_AUTH_TOKEN_UNKNOWN', 'the token was revoked', identity)
    return { kind: 'verified', identity, tokenId, grantId: tokenId, grantEndsAtMs: checked.expiresAtMs }
  }

  #nameOf(checked: JobToken, text: string): string {
    const { digests } = this.#context
    const name = this.#names.get(checked) ?? digests.tokenName(digests.digest('JobToken', signedPart(text)))
    this.#names.set(checked, name)
    return name
  }

  async #isRevoked({ rule, issuedAtMs }: JobToken, tokenId: string): Promise<boolean> {
    const { revocations } = this.#context.store
    if ((await revocations.find('token', tokenId)) !== undefined) return true
    const revoked = await revocations.find('identity', rule.name)
    return revoked !== undefined && issuedAtMs <= revoked.atMs + SKEW_MS
  }
}

function reject(code: ErrorCode, reason: string, identity?: Identity): RejectedCredential {
  return { kind: 'rejected', code, reason, ...(identity === undefined ? {} : { identity }) }
}

/** A span in the largest whole unit: `3 seconds`, `12 minutes`, `5 hours`. */
function formatAgo(ms: number): string {
  const units = [
    [3_600_000, 'hour'],
    [60_000, 'minute'],
    [1000, 'second'],
  ] as const
  const [size, name] = units.find(([unit]) => ms >= unit) ?? units[2]
  const count = Math.max(1, Math.floor(ms / size))
  return `${count} ${name}${count === 1 ? '' : 's'}`
}
