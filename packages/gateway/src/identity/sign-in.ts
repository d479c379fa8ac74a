import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type Provider from 'oidc-provider'
import { type Clock, fromUtf8, toUtf8 } from '#base'
import type { ErrorCode, IdentityStore, Log, Sealer } from '#model'
import type { Accounts } from './accounts.ts'
import { INTERACTION_SECONDS, PATHS } from './authorization-server.ts'
import { readBody } from './body.ts'
import { type Clients, type RegisteredClient } from './clients.ts'
import { consentPage } from './consent.ts'
import { type Federation, LoginRefused, type UpstreamLogin } from './federation.ts'
import type { TokenDigests } from './own-keys.ts'
import type { Page } from './pages.ts'
import type { PersonClaims } from './person.ts'
import { clientOf, type Recorder } from './recorder.ts'
import { CLI_CLIENT_ID, type Settings } from './settings.ts'

const MODEL = 'UpstreamLogin'
const GRANT_ID_BYTES = 32
const MAX_LOGIN_HINT = 256
const STATE = /^[A-Za-z0-9_-]{20,128}$/
/** The form of the consent page, with room. */
const MAX_FORM_BYTES = 1024

/** What a login is carried out with. */
export interface SignInContext {
  readonly server: Provider
  readonly federation: Federation
  readonly settings: Settings
  readonly store: IdentityStore
  readonly digests: TokenDigests
  readonly sealer: Sealer
  readonly accounts: Accounts
  readonly clients: Clients
  readonly recorder: Recorder
  readonly clock: Clock
  readonly log: Log
}

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>

/** A login at the identity provider, as it is remembered until the browser comes back. */
interface PendingLogin {
  readonly uid: string
  readonly login: UpstreamLogin
}

/** An application that asks to act for a person, and for what. */
interface Asker {
  readonly client: RegisteredClient
  readonly audience: string
  readonly resource: string
  readonly redirectUri: string
}

/** Takes a browser to the customer's identity provider and back. */
export class SignIn {
  readonly #context: SignInContext

  constructor(context: SignInContext) {
    this.#context = context
  }

  /** Answers `/oauth/interaction/UID`: sends the browser on, or says what the person must be asked first. */
  async begin(request: IncomingMessage, response: ServerResponse, uid: string): Promise<Page | undefined> {
    const interaction = await this.#interactionOf(request, response, uid)
    const asker = await this.#askerOf(interaction)
    if (asker === undefined) {
      await this.#sendOn(response, uid, interaction)
      return undefined
    }
    return consentPage({ ...asker, action: `${PATHS.interaction}${uid}/answer`, proof: this.#proofOf(uid) })
  }

  /**
   * Answers `/oauth/interaction/UID/answer`: what the person said to an application. Only a Yes leads to the identity provider, so that a login for an
   * application that comes back from there was agreed to, in the browser that began it.
   *
   * MCP, Security Best Practices, Confused Deputy: "MUST […] obtain […] consent for each client […] before forwarding to the third-party
   * authorization server".
   */
  async answer(request: IncomingMessage, response: ServerResponse, uid: string): Promise<void> {
    const interaction = await this.#interactionOf(request, response, uid)
    const form = new URLSearchParams(await readBody(request, MAX_FORM_BYTES))
    // Told by the browser, and by none that is up to date for a page of ours that sits in another one's form.
    const site = request.headers['sec-fetch-site']
    if (form.get('proof') !== this.#proofOf(uid) || (site !== undefined && site !== 'same-origin'))
      throw new LoginRefused('SP_AUTH_LOGIN_REFUSED', 'the answer did not come from the page that asked')
    if (form.get('answer') === 'yes') {
      await this.#sendOn(response, uid, interaction)
      return
    }
    const details = { reason: 'the person did not agree', client: clientIdOf(interaction) }
    await this.#context.recorder.loginRefused('SP_AUTH_LOGIN_REFUSED', clientOf(request), details)
    await this.#context.server.interactionFinished(request, response, {
      error: 'access_denied',
      error_description: 'the person did not agree',
    })
  }

  /**
   * Answers `/oauth/callback`, where the identity provider sends every browser. The cookie that binds the browser to its login lies under
   * the path of that login, so the answer is handed on to there.
   */
  async comeBack(response: ServerResponse, query: string): Promise<void> {
    const state = stateOf(query)
    const pending = state === undefined ? undefined : await this.#recall(state)
    if (pending === undefined)
      throw new LoginRefused('SP_AUTH_LOGIN_REFUSED', 'the login took too long, or is already over')
    redirect(response, `${PATHS.interaction}${pending.uid}/finish?${query}`)
  }

  /** Answers `/oauth/interaction/UID/finish`: checks the identity provider's answer, records the login, and lets it take effect. */
  async finish(request: IncomingMessage, response: ServerResponse, uid: string, query: string): Promise<void> {
    const interaction = await this.#interactionOf(request, response, uid)
    const pending = await this.#take(stateOf(query) ?? '')
    if (pending?.uid !== uid) throw new LoginRefused('SP_AUTH_LOGIN_REFUSED', 'the answer belongs to another login')
    const person = await this.#identify(request, query, pending.login, clientIdOf(interaction))
    const asker = await this.#askerOf(interaction)
    const grantId = await this.#logIn(request, interaction, { person, asker })
    await this.#context.server.interactionFinished(request, response, {
      login: { accountId: person.id, remember: false },
      consent: { grantId },
    })
  }

  async #sendOn(response: ServerResponse, uid: string, { params }: Interaction): Promise<void> {
    const { login_hint: hint } = params
    const { url, login } = await this.#context.federation.begin(
      typeof hint === 'string' && hint.length <= MAX_LOGIN_HINT ? hint : undefined,
    )
    await this.#remember({ uid, login })
    redirect(response, url)
  }

  /** The application behind a login; undefined for our own command line, which needs no leave. */
  async #askerOf({ params }: Interaction): Promise<Asker | undefined> {
    const { client_id: clientId, resource: asked, redirect_uri: redirectUri } = params
    if (clientId === CLI_CLIENT_ID) return undefined
    const client = await this.#context.clients.find(String(clientId))
    const [audience, ...more] = [asked].flat()
    const resource = typeof audience === 'string' ? this.#context.settings.audiences.mcp.get(audience) : undefined
    // The authorization server has checked all of it; a page must not be built on half of it.
    if (client === undefined || resource === undefined || more.length > 0 || typeof redirectUri !== 'string')
      throw new LoginRefused('SP_AUTH_LOGIN_REFUSED', 'the application is not registered here any more')
    return { client, audience: String(audience), resource, redirectUri }
  }

  /** What only the page that asks knows. */
  #proofOf(uid: string): string {
    return this.#context.digests.digest('Consent', uid)
  }

  async #interactionOf(request: IncomingMessage, response: ServerResponse, uid: string): Promise<Interaction> {
    try {
      const interaction = await this.#context.server.interactionDetails(request, response)
      if (interaction.uid === uid) return interaction
    } catch (cause) {
      if (!isNamed(cause, 'SessionNotFound')) throw cause
    }
    throw new LoginRefused('SP_AUTH_LOGIN_REFUSED', 'the login was begun in another browser, or took too long')
  }

  async #identify(
    request: IncomingMessage,
    query: string,
    login: UpstreamLogin,
    clientId: string,
  ): Promise<PersonClaims> {
    try {
      return await this.#context.federation.finish(query, login)
    } catch (error) {
      const { code, reason } = toRefusal(error)
      await this.#context.recorder.loginRefused(code, clientOf(request), { reason, client: clientId })
      throw error
    }
  }

  /** Records the login, then writes it; answers the id of its grant. */
  async #logIn(
    request: IncomingMessage,
    interaction: Interaction,
    { person, asker }: { readonly person: PersonClaims; readonly asker: Asker | undefined },
  ): Promise<string> {
    const { server, settings, digests, recorder, accounts, clients, store, clock } = this.#context
    const clientId = clientIdOf(interaction)
    const id = randomBytes(GRANT_ID_BYTES).toString('base64url')
    const grantId = digests.grantName(id)
    const createdAtMs = Math.floor(clock.nowMs())
    const endsAtMs = createdAtMs + settings.loginSeconds * 1000
    const details = { grant: grantId, client: clientId, mfa: person.mfa ? 'yes' : 'no', ends_ms: endsAtMs }
    await recorder.login(await accounts.describe(person, clientId), clientOf(request), details)
    await accounts.notePerson(person)
    if (asker !== undefined) await clients.noteLogin(asker.client)
    await store.logins.create({ grantId, identityId: person.id, clientId, mfa: person.mfa, createdAtMs, endsAtMs })
    const grant = new server.Grant({ accountId: person.id, clientId })
    grant.jti = id
    // The scope `access` belongs to the resources, but the library asks for it here too when a client names it.
    grant.addOIDCScope('openid offline_access access')
    // The command line's login is for everything; an application's for what it asked for. What may be done is decided by policy at the door.
    const indicators = asker === undefined ? settings.audiences.indicators.keys() : [asker.audience]
    for (const indicator of indicators) grant.addResourceScope(indicator, 'access')
    await grant.save()
    return id
  }

  async #remember(pending: PendingLogin): Promise<void> {
    const { store, digests, sealer, clock } = this.#context
    const digest = digests.digest(MODEL, pending.login.state)
    const expiresAtMs = Math.floor(clock.nowMs()) + INTERACTION_SECONDS * 1000
    const sealed = sealer.seal(toUtf8(JSON.stringify(pending)), `artefact/${MODEL}/${digest}`)
    await store.artefacts.put({ model: MODEL, digest, sealed, expiresAtMs, keepUntilMs: expiresAtMs })
  }

  async #recall(state: string): Promise<PendingLogin | undefined> {
    const { store, digests, sealer, clock } = this.#context
    const digest = digests.digest(MODEL, state)
    const stored = await store.artefacts.find(MODEL, digest)
    if (stored === undefined || stored.consumedAtMs !== undefined || stored.expiresAtMs <= clock.nowMs())
      return undefined
    return JSON.parse(fromUtf8(sealer.open(stored.sealed, `artefact/${MODEL}/${digest}`))) as PendingLogin
  }

  /** Recalls a login and makes sure that nobody else does. */
  async #take(state: string): Promise<PendingLogin | undefined> {
    const { store, digests, clock } = this.#context
    const pending = await this.#recall(state)
    if (pending === undefined) return undefined
    const isFirst = await store.artefacts.consume(MODEL, digests.digest(MODEL, state), Math.floor(clock.nowMs()))
    return isFirst ? pending : undefined
  }
}

/** What of a failed login may be recorded and shown. */
export function toRefusal(error: unknown): { readonly code: ErrorCode; readonly reason: string } {
  if (error instanceof LoginRefused) return { code: error.code, reason: error.message }
  return { code: 'SP_AUTH_UNAVAILABLE', reason: 'the login could not be carried out' }
}

function clientIdOf({ params }: Interaction): string {
  return String(params['client_id'])
}

function stateOf(query: string): string | undefined {
  const state = new URLSearchParams(query).get('state')
  return state !== null && STATE.test(state) ? state : undefined
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(303, { location, 'content-length': 0 }).end()
}
