import type { Adapter, AdapterPayload } from 'oidc-provider'
import { type Clock, fromUtf8, toUtf8 } from '#base'
import type { ArtefactStore, Sealer, StoredArtefact } from '#model'
import type { TokenDigests } from './own-keys.ts'

/** How long an expired access token is remembered, so that its owner is told "expired" rather than "unknown". */
const EXPIRED_KEPT_MS = 24 * 60 * 60_000

/**
 * A refresh token that comes again within this time of its use is refused, and no more: two commands at once, or a request whose answer
 * was lost, are no thief. One that comes later ends the login.
 */
const REFRESH_REPEAT_MS = 10_000

/** What the authorization server's artefacts are kept with. */
export interface ArtefactContext {
  readonly store: ArtefactStore
  readonly digests: TokenDigests
  readonly sealer: Sealer
  readonly clock: Clock
}

/** What happens around the artefacts; each may throw, and then nothing is kept. */
export interface ArtefactEvents {
  /** An access token is about to exist. */
  beforeIssue(token: IssuedToken): Promise<void>
  /** A code or refresh token was used for the first time. */
  consumed(model: string, digest: string): void
  /** A grant was ended by the authorization server: logged out, or a code or refresh token was used twice. */
  grantEnded(grantId: string): Promise<void>
  /** What to throw when a code or refresh token is used while, or right after, another request uses it. */
  alreadyUsed(): Error
  /** The audiences that artefacts of this client are for, where they are not those it asked for. */
  audiencesOf(clientId: string | undefined): readonly string[] | undefined
}

/** An access token, before it is one. */
export interface IssuedToken {
  readonly tokenId: string
  readonly grantId: string
  readonly clientId: string
  readonly identityId: string
  readonly audience: string
  readonly expiresAtMs: number
  /** Whether a refresh token was given for it. */
  readonly isRefresh: boolean
}

/** Artefacts that may be exchanged for access tokens of any audience they are for. */
const EXCHANGED = new Set(['AuthorizationCode', 'DeviceCode', 'RefreshToken'])

/** Where `oidc-provider` keeps one kind of artefact. The id of an artefact is its bearer's secret: it is digested here and never kept. */
export class ArtefactAdapter implements Adapter {
  readonly #model: string
  readonly #context: ArtefactContext
  readonly #events: ArtefactEvents

  constructor(model: string, context: ArtefactContext, events: ArtefactEvents) {
    this.#model = model
    this.#context = context
    this.#events = events
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const { store, digests, clock } = this.#context
    const digest = digests.digest(this.#model, id)
    const expiresAtMs = payload.exp === undefined ? clock.nowMs() + (expiresIn ?? 0) * 1000 : payload.exp * 1000
    const artefact = await this.#toStored(digest, payload, Math.floor(expiresAtMs))
    if (artefact.tokenId !== undefined) await this.#events.beforeIssue(toIssued(artefact, payload))
    await store.put(artefact)
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const stored = await this.#context.store.find(this.#model, this.#context.digests.digest(this.#model, id))
    if (stored === undefined) return undefined
    if (this.#isRepeat(stored)) throw this.#events.alreadyUsed()
    return this.#toPayload(stored, id)
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    const digest = this.#context.digests.digest('uid', uid)
    const stored = await this.#context.store.findByUid(this.#model, digest)
    return stored === undefined ? undefined : this.#toPayload(stored)
  }

  async findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
    const digest = this.#context.digests.digest('user-code', userCode)
    const stored = await this.#context.store.findByUserCode(this.#model, digest)
    return stored === undefined ? undefined : { ...this.#toPayload(stored), userCode }
  }

  async consume(id: string): Promise<void> {
    const { store, digests, clock } = this.#context
    const digest = digests.digest(this.#model, id)
    // The library looks and then consumes; of two requests with the same code both may have looked, and one of them must fail here.
    if (!(await store.consume(this.#model, digest, Math.floor(clock.nowMs())))) throw this.#events.alreadyUsed()
    this.#events.consumed(this.#model, digest)
  }

  async destroy(id: string): Promise<void> {
    const { store, digests } = this.#context
    await store.remove(this.#model, digests.digest(this.#model, id))
    if (this.#model === 'Grant') await this.#events.grantEnded(digests.grantName(id))
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    await this.#context.store.removeByGrant(this.#context.digests.grantName(grantId))
  }

  #isRepeat({ consumedAtMs }: StoredArtefact): boolean {
    if (this.#model !== 'RefreshToken' || consumedAtMs === undefined) return false
    return this.#context.clock.nowMs() - consumedAtMs < REFRESH_REPEAT_MS
  }

  async #toStored(digest: string, payload: AdapterPayload, expiresAtMs: number): Promise<StoredArtefact> {
    const { digests, sealer } = this.#context
    const isAccessToken = this.#model === 'AccessToken'
    const grantId = this.#model === 'Grant' ? payload.jti : payload.grantId
    const userCodeDigest = await this.#userCodeDigest(digest, payload)
    return {
      model: this.#model,
      digest,
      sealed: sealer.seal(toUtf8(JSON.stringify(withoutSecrets(payload))), sealContext(this.#model, digest)),
      ...(grantId === undefined ? {} : { grantId: digests.grantName(grantId) }),
      ...(isAccessToken ? { tokenId: digests.tokenName(digest) } : {}),
      ...(payload.uid === undefined ? {} : { uidDigest: digests.digest('uid', payload.uid) }),
      ...(userCodeDigest === undefined ? {} : { userCodeDigest }),
      expiresAtMs,
      keepUntilMs: isAccessToken ? expiresAtMs + EXPIRED_KEPT_MS : expiresAtMs,
    }
  }

  /** A device code that was found by itself no longer knows its user code; what is kept of that stays. */
  async #userCodeDigest(digest: string, { userCode }: AdapterPayload): Promise<string | undefined> {
    if (userCode !== undefined) return this.#context.digests.digest('user-code', userCode)
    if (this.#model !== 'DeviceCode') return undefined
    return (await this.#context.store.find(this.#model, digest))?.userCodeDigest
  }

  #toPayload(stored: StoredArtefact, id?: string): AdapterPayload {
    const payload = openPayload(stored, this.#context)
    const audiences = EXCHANGED.has(this.#model) ? this.#events.audiencesOf(payload.clientId) : undefined
    return {
      ...payload,
      jti: id ?? this.#context.digests.handleOf(this.#model, stored.digest),
      ...(audiences === undefined ? {} : { resource: [...audiences] }),
      ...(stored.consumedAtMs === undefined ? {} : { consumed: Math.floor(stored.consumedAtMs / 1000) }),
    }
  }
}

/**
 * Opens what was kept of an artefact: everything but its id.
 *
 * @throws {GatewayError} `SP_VAULT_SEAL_BROKEN`
 */
export function openPayload(
  { model, digest, sealed }: StoredArtefact,
  { sealer }: Pick<ArtefactContext, 'sealer'>,
): AdapterPayload {
  return JSON.parse(fromUtf8(sealer.open(sealed, sealContext(model, digest)))) as AdapterPayload
}

function sealContext(model: string, digest: string): string {
  return `artefact/${model}/${digest}`
}

/** What could be presented by a bearer is left out even of what is sealed. */
function withoutSecrets(payload: AdapterPayload): AdapterPayload {
  const session = payload.session === undefined ? undefined : { ...payload.session, cookie: undefined }
  return { ...payload, jti: undefined, userCode: undefined, session }
}

function toIssued(artefact: StoredArtefact, payload: AdapterPayload): IssuedToken {
  const { tokenId, grantId, expiresAtMs } = artefact
  const { clientId, accountId, aud, gty } = payload
  if (tokenId === undefined || grantId === undefined || clientId === undefined || accountId === undefined)
    throw new TypeError('an access token belongs to a person, a login and a client')
  if (typeof aud !== 'string') throw new TypeError('an access token has exactly one audience')
  const isRefresh = gty?.split(' ').includes('refresh_token') ?? false
  return { tokenId, grantId, clientId, identityId: accountId, audience: aud, expiresAtMs, isRefresh }
}
