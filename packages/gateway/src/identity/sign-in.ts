import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type Provider from 'oidc-provider'
import { type Clock, fromUtf8, toUtf8 } from '#base'
import type { ErrorCode, IdentityStore, Log, Sealer } from '#model'
import { type Accounts, toIdentity } from './accounts.ts'
import { INTERACTION_SECONDS, PATHS } from './authorization-server.ts'
import { type Federation, LoginRefused, type UpstreamLogin } from './federation.ts'
import type { TokenDigests } from './own-keys.ts'
import type { PersonClaims } from './person.ts'
import { clientOf, type Recorder } from './recorder.ts'
import { CLI_CLIENT_ID, type Settings } from './settings.ts'

const MODEL = 'UpstreamLogin'
const GRANT_ID_BYTES = 32
const MAX_LOGIN_HINT = 256
const STATE = /^[A-Za-z0-9_-]{20,128}$/

/** What a login is carried out with. */
export interface SignInContext {
  readonly server: Provider
  readonly federation: Federation
  readonly settings: Settings
  readonly store: IdentityStore
  readonly digests: TokenDigests
  readonly sealer: Sealer
  readonly accounts: Accounts
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

/** Takes a browser to the customer's identity provider and back. */
export class SignIn {
  readonly #context: SignInContext

  constructor(context: SignInContext) {
    this.#context = context
  }

  /** Answers `/oauth/interaction/UID`: sends the browser on. */
  async begin(request: IncomingMessage, response: ServerResponse, uid: string): Promise<void> {
    const interaction = await this.#interactionOf(request, response, uid)
    const { login_hint: hint } = interaction.params
    const { url, login } = await this.#context.federation.begin(
      typeof hint === 'string' && hint.length <= MAX_LOGIN_HINT ? hint : undefined,
    )
    await this.#remember({ uid, login })
    redirect(response, url)
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
    const grantId = await this.#logIn(request, interaction, person)
    await this.#context.server.interactionFinished(request, response, {
      login: { accountId: person.id, remember: false },
      consent: { grantId },
    })
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
  async #logIn(request: IncomingMessage, interaction: Interaction, person: PersonClaims): Promise<string> {
    const { server, settings, digests, recorder, accounts, store, clock } = this.#context
    const clientId = clientIdOf(interaction)
    const id = randomBytes(GRANT_ID_BYTES).toString('base64url')
    const grantId = digests.grantName(id)
    const createdAtMs = Math.floor(clock.nowMs())
    const endsAtMs = createdAtMs + settings.loginSeconds * 1000
    const details = { grant: grantId, client: clientId, mfa: person.mfa ? 'yes' : 'no', ends_ms: endsAtMs }
    await recorder.login(toIdentity(person, clientId), clientOf(request), details)
    await accounts.notePerson(person)
    await store.logins.create({ grantId, identityId: person.id, clientId, mfa: person.mfa, createdAtMs, endsAtMs })
    const grant = new server.Grant({ accountId: person.id, clientId })
    grant.jti = id
    grant.addOIDCScope('openid offline_access')
    for (const audience of this.#audiencesOf(interaction)) grant.addResourceScope(audience, 'access')
    await grant.save()
    return id
  }

  /** The command line's login is for everything; another client's for what it asked for. Nobody clicks: policy decides at the door. */
  #audiencesOf(interaction: Interaction): readonly string[] {
    const { audiences } = this.#context.settings
    if (clientIdOf(interaction) === CLI_CLIENT_ID) return audiences
    const asked = [interaction.params['resource']].flat()
    return audiences.filter((audience) => asked.includes(audience))
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
