import type { Clock, Secret } from '#base'
import type { Identity, IdentityStore, Log, Revocation } from '#model'
import { isJwtShaped, MAX_JOB_TOKEN_SECONDS, signedPart } from './job-tokens.ts'
import type { RevocationTarget } from './options.ts'
import type { TokenDigests } from './own-keys.ts'
import { describeFault } from './fault.ts'

const TOKEN_NAME = /^tok_[0-9a-f]{16}$/
/** A job token is remembered for as long as one can be good, its issuer's clock included. */
const JOB_TOKEN_REMEMBERED_MS = (MAX_JOB_TOKEN_SECONDS + 60) * 1000
/** Tokens of a workload from before its revocation stay revoked. */
const FOREVER_MS = Number.MAX_SAFE_INTEGER

/** Who revokes, and why. */
export interface RevocationAct {
  readonly by: Pick<Identity, 'id' | 'name'>
  readonly reason: string
}

/** What revocations are made with. */
export interface RevokerContext {
  readonly store: IdentityStore
  readonly digests: TokenDigests
  readonly workloads: ReadonlySet<string>
  readonly clock: Clock
  readonly log: Log
}

/** Ends tokens, logins and all that an identity has: durably first, then for whoever listens. */
export class Revoker {
  readonly #context: RevokerContext
  readonly #listeners = new Set<(revocation: Revocation) => void>()

  constructor(context: RevokerContext) {
    this.#context = context
  }

  onRevoked(listener: (revocation: Revocation) => void): () => void {
    // A wrapper, so that one function that listens twice is called twice and leaves one by one.
    const own = (revocation: Revocation): void => {
      listener(revocation)
    }
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  /** False when there is no such thing, or nothing of it was left to revoke. */
  async revoke(target: RevocationTarget, act: RevocationAct): Promise<boolean> {
    switch (target.kind) {
      case 'token':
        return await this.#revokeToken(this.tokenIdOf(target.token), act)
      case 'token-id':
        return await this.#revokeToken(target.tokenId, act)
      case 'grant':
        // The grant of a job token is the token.
        return TOKEN_NAME.test(target.grantId)
          ? await this.#revokeToken(target.grantId, act)
          : await this.revokeGrant(target.grantId, act)
      case 'identity':
        return await this.#revokeIdentity(target.identityId, act)
      default:
        return target satisfies never
    }
  }

  /** Ends a login and every token of it. */
  async revokeGrant(grantId: string, act: RevocationAct): Promise<boolean> {
    const { logins, artefacts } = this.#context.store
    const revoked = await logins.revoke(grantId, this.#note(act))
    // Also when it was revoked before: an earlier attempt may have ended between the two.
    await artefacts.removeByGrant(grantId)
    if (revoked) this.#tell({ grantId }, act)
    return revoked
  }

  /** The name of a token or job token, whether it is one or not. */
  tokenIdOf(secret: Secret<string>): string {
    const { digests } = this.#context
    const token = secret.expose()
    return digests.tokenName(
      isJwtShaped(token) ? digests.digest('JobToken', signedPart(token)) : digests.digest('AccessToken', token),
    )
  }

  async #revokeToken(tokenId: string, act: RevocationAct): Promise<boolean> {
    if (!TOKEN_NAME.test(tokenId)) return false
    const { artefacts, revocations } = this.#context.store
    const stored = await artefacts.findByTokenId(tokenId)
    if (stored !== undefined) await artefacts.remove(stored.model, stored.digest)
    // Job tokens are not kept, so of one that is not found nobody can say that there is none: it is remembered as revoked.
    else {
      const note = this.#note(act)
      await revocations.put({ kind: 'token', id: tokenId, ...note, keepUntilMs: note.atMs + JOB_TOKEN_REMEMBERED_MS })
    }
    this.#tell({ tokenId }, act)
    return true
  }

  async #revokeIdentity(identityId: string, act: RevocationAct): Promise<boolean> {
    const { roster, logins, artefacts, revocations } = this.#context.store
    const note = this.#note(act)
    const isWorkload = this.#context.workloads.has(identityId)
    if (isWorkload) await revocations.put({ kind: 'identity', id: identityId, ...note, keepUntilMs: FOREVER_MS })
    else if ((await roster.find(identityId)) === undefined) return false
    for (const grantId of await logins.revokeAll(identityId, note)) await artefacts.removeByGrant(grantId)
    this.#tell({ identityId }, act)
    return true
  }

  #note({ by, reason }: RevocationAct): { readonly atMs: number; readonly by: string; readonly reason: string } {
    return { atMs: Math.floor(this.#context.clock.nowMs()), by: by.id, reason }
  }

  #tell(what: Omit<Revocation, 'by' | 'reason'>, { by, reason }: RevocationAct): void {
    for (const listener of this.#listeners) {
      try {
        listener({ ...what, by: by.name, reason })
      } catch (error) {
        // The others must hear of it all the same.
        this.#context.log.error('revocation-listener-failed', { error: describeFault(error) })
      }
    }
  }
}
