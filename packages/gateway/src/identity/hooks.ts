import type { KoaContextWithOIDC, default as Provider } from 'oidc-provider'
import type { Clock } from '#base'
import { GatewayError, type IdentityStore, type Log, type Person, type StoredLogin } from '#model'
import type { Accounts } from './accounts.ts'
import type { IssuedToken } from './artefacts.ts'
import { audiencesOf, type AuthorizationServerHooks } from './authorization-server.ts'
import { describeFault } from './fault.ts'
import type { ProviderLibrary } from './load-provider.ts'
import type { TokenDigests } from './own-keys.ts'
import { type Client, clientOf, type Recorder } from './recorder.ts'
import type { Revoker } from './revoker.ts'
import { CLI_CLIENT_ID, type Settings } from './settings.ts'

/** What the authorization server's events are turned into records and revocations with. */
export interface HooksContext {
  readonly library: ProviderLibrary
  readonly settings: Settings
  readonly store: IdentityStore
  readonly digests: TokenDigests
  readonly accounts: Accounts
  readonly recorder: Recorder
  readonly revoker: Revoker
  readonly clock: Clock
  readonly log: Log
}

/** What the authorization server does, recorded before it takes effect and carried on to whoever listens for revocations. */
export class Hooks implements AuthorizationServerHooks {
  readonly #context: HooksContext
  /** What each request under way has consumed, by the request. */
  readonly #consumed = new WeakMap<object, { readonly model: string; readonly digest: string }[]>()

  constructor(context: HooksContext) {
    this.#context = context
  }

  async beforeIssue(token: IssuedToken): Promise<void> {
    const { library, settings, recorder } = this.#context
    const { login, person } = await this.#ownerOf(token.grantId)
    if (login?.revoked !== undefined || person === undefined) throw new library.errors.InvalidGrant('the login is over')
    const { audience, isRefresh, tokenId, grantId, clientId, expiresAtMs } = token
    // The authorization server does not ask for this; if it ever did, an agent could answer requests in its person's name.
    if (clientId !== CLI_CLIENT_ID && !settings.audiences.mcp.has(audience))
      throw new library.errors.InvalidTarget('an application gets tokens for MCP servers only')
    const resource = settings.audiences.nameOf(audience)
    const issue = {
      isRefresh,
      ...(resource === undefined ? {} : { resource }),
      details: { token: tokenId, grant: grantId, client: clientId, audience, expires_ms: expiresAtMs },
    }
    await this.#recorded(recorder.token(issue, person, this.#client()))
  }

  consumed(model: string, digest: string): void {
    const request = this.#request()
    if (request === undefined) return
    const consumed = this.#consumed.get(request) ?? []
    consumed.push({ model, digest })
    this.#consumed.set(request, consumed)
  }

  /**
   * The library ends a grant for two reasons: a logout, which `beforeLogout` has recorded, or that a code or refresh token was used twice,
   * so that one of the two users is not its owner.
   */
  async grantEnded(grantId: string): Promise<void> {
    const { revoker, recorder, log } = this.#context
    const { person } = await this.#ownerOf(grantId)
    const by = person ?? { id: 'sallyport', name: 'Sallyport' }
    const isLogout = this.#context.library.Provider.ctx?.oidc.route === 'revocation'
    const reason = isLogout ? 'logged out' : 'a code or refresh token was used twice'
    const revoked = await revoker.revokeGrant(grantId, { by, reason })
    if (isLogout || !revoked || person === undefined) return
    // To end it is the safe side, so it does not wait for the record.
    await recorder.grantEnded(person, this.#client(), grantId, reason).catch((error: unknown) => {
      log.error('grant-end-not-recorded', { grant: grantId, error: describeFault(error) })
    })
  }

  async beforeLogout(_context: KoaContextWithOIDC, grantId: string): Promise<void> {
    const { recorder, digests } = this.#context
    const grant = digests.grantName(grantId)
    const { person } = await this.#ownerOf(grant)
    if (person !== undefined) await this.#recorded(recorder.logout(person, this.#client(), { grant }))
  }

  alreadyUsed(): Error {
    return new this.#context.library.errors.InvalidGrant('another request has just used it')
  }

  audiencesOf(clientId: string | undefined): readonly string[] | undefined {
    return audiencesOf(this.#context.settings, clientId)
  }

  /**
   * Gives back what a request consumed when it failed by our fault or named a resource that is not here: nothing was handed out for it, and a
   * client whose refresh token was spent on an outage or a mistyped name would look like a thief when it tries again.
   */
  attach(server: Provider): void {
    const { store, log } = this.#context
    server.use(async (context, next) => {
      await next()
      if (context.status < 500 && !isInvalidTarget(context.body)) return
      for (const { model, digest } of this.#consumed.get(context.req) ?? [])
        await store.artefacts.release(model, digest)
    })
    server.on('server_error', (_context, error) => {
      log.error('authorization-server-failed', { error: describeFault(error) })
    })
    server.on('grant.error', (_context, error) => {
      log.info('token-request-refused', { error: error.error, reason: error.error_description ?? '' })
    })
    // Koa would print it.
    server.onerror = (error) => {
      log.error('authorization-server-failed', { error: describeFault(error) })
    }
  }

  async #ownerOf(grantId: string): Promise<{ readonly login?: StoredLogin; readonly person?: Person }> {
    const login = await this.#context.store.logins.find(grantId)
    if (login === undefined) return {}
    const person = await this.#context.accounts.personOf(login)
    return person === undefined ? { login } : { login, person }
  }

  /** OAuth's words for a trail that cannot be written: nothing is issued, and it can be tried again. */
  async #recorded(recording: Promise<void>): Promise<void> {
    try {
      await recording
    } catch (cause) {
      if (!(cause instanceof GatewayError)) throw cause
      const error = new this.#context.library.errors.OIDCProviderError(503, 'temporarily_unavailable', { cause })
      throw Object.assign(error, { expose: true, error_description: cause.message })
    }
  }

  #request(): object | undefined {
    return this.#context.library.Provider.ctx?.req
  }

  #client(): Client | undefined {
    const request = this.#context.library.Provider.ctx?.req
    return request === undefined ? undefined : clientOf(request)
  }
}

/** RFC 8707 §2. The library finds out about the resource after it has consumed what the token is asked with. */
function isInvalidTarget(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'error' in body && body.error === 'invalid_target'
}
