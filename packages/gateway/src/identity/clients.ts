import { randomBytes } from 'node:crypto'
import type { Adapter, AdapterPayload } from 'oidc-provider'
import { type Clock, fromUtf8, toUtf8 } from '#base'
import type { Agent, ArtefactStore, Sealer } from '#model'
import type { TokenDigests } from './own-keys.ts'
import type { Client, Recorder } from './recorder.ts'
import { type ClientRegistration, redirectHost } from './registration.ts'
import { CLI_CLIENT_ID } from './settings.ts'

const MODEL = 'Client'
const ID_BYTES = 16
/** Letters only: in a record nothing of it looks like a card number. */
const ID = /^cli_[a-p]{32}$/
/** A registration that nobody has logged in with is forgotten after this: applications register and log in within minutes. */
const UNUSED_KEPT_MS = 24 * 60 * 60_000
/** How long after its last login a registration is kept; an application keeps its id and comes back with it. */
const USED_KEPT_MS = 180 * 24 * 60 * 60_000
/** Some kilobytes each. */
const MAX_CLIENTS = 10_000
/** Registrations do not change, so those in use are kept at hand. */
const MAX_AT_HAND = 1000
const NAMELESS = 'an application without a name'

/** An application that registered itself. */
export interface RegisteredClient extends ClientRegistration {
  /** `cli_…`, random: what records and policies name it by. */
  readonly clientId: string
  readonly issuedAtMs: number
}

/** What registrations are kept with. */
export interface ClientsContext {
  readonly store: ArtefactStore
  readonly digests: TokenDigests
  readonly sealer: Sealer
  readonly recorder: Recorder
  readonly clock: Clock
}

/** The applications that registered themselves (RFC 7591). Each is an AI agent to us: it acts for the person who logs in with it. */
export class Clients {
  readonly #context: ClientsContext
  readonly #atHand = new Map<string, RegisteredClient>()

  constructor(context: ClientsContext) {
    this.#context = context
  }

  /** Records a registration, then keeps it; undefined when there are too many. @throws {GatewayError} `SP_TRAIL_UNAVAILABLE` */
  async register(registration: ClientRegistration, from: Client | undefined): Promise<RegisteredClient | undefined> {
    const { store, recorder, clock } = this.#context
    if ((await store.count(MODEL)) >= MAX_CLIENTS) return undefined
    const issuedAtMs = Math.floor(clock.nowMs())
    const client = { ...registration, clientId: makeId(), issuedAtMs }
    await recorder.clientRegistered(from, {
      entity: { type: 'client', uid: client.clientId, name: nameOf(client) },
      redirect_hosts: [...new Set(client.redirectUris.map(redirectHost))],
      application_type: client.applicationType,
    })
    await this.#put(client, issuedAtMs + UNUSED_KEPT_MS)
    return client
  }

  async find(clientId: string): Promise<RegisteredClient | undefined> {
    const { store, digests, sealer, clock } = this.#context
    if (!isRegistered(clientId)) return undefined
    const digest = digests.digest(MODEL, clientId)
    const stored = await store.find(MODEL, digest)
    if (stored === undefined || stored.expiresAtMs <= clock.nowMs()) return undefined
    return JSON.parse(fromUtf8(sealer.open(stored.sealed, sealContext(digest)))) as RegisteredClient
  }

  /** Somebody logs in with it: it is kept for longer. */
  async noteLogin(client: RegisteredClient): Promise<void> {
    await this.#put(client, Math.floor(this.#context.clock.nowMs()) + USED_KEPT_MS)
  }

  /**
   * The agent that a login goes through: none for our own command line. Whoever came through an application that is forgotten by now still
   * came through an agent.
   */
  async agentOf(clientId: string): Promise<Agent | undefined> {
    if (clientId === CLI_CLIENT_ID) return undefined
    const client = this.#atHand.get(clientId) ?? (await this.find(clientId))
    if (client === undefined) return { id: clientId, name: clientId }
    if (this.#atHand.size >= MAX_AT_HAND) this.#atHand.clear()
    this.#atHand.set(clientId, client)
    return { id: clientId, name: nameOf(client) }
  }

  async #put(client: RegisteredClient, keptUntilMs: number): Promise<void> {
    const { store, digests, sealer } = this.#context
    const digest = digests.digest(MODEL, client.clientId)
    const sealed = sealer.seal(toUtf8(JSON.stringify(client)), sealContext(digest))
    await store.put({ model: MODEL, digest, sealed, expiresAtMs: keptUntilMs, keepUntilMs: keptUntilMs })
  }
}

function makeId(): string {
  const letters = [...randomBytes(ID_BYTES).toString('hex')].map((digit) =>
    'abcdefghijklmnop'.charAt(parseInt(digit, 16)),
  )
  return `cli_${letters.join('')}`
}

/** Whether a client id is that of an application that registered itself. */
export function isRegistered(clientId: unknown): clientId is string {
  return typeof clientId === 'string' && ID.test(clientId)
}

/** What an application calls itself, for people; it proves nothing. */
function nameOf({ name }: RegisteredClient): string {
  return name ?? NAMELESS
}

/** A registration as RFC 7591 §3.2.1 has it answered. */
export function toMetadata(client: RegisteredClient): AdapterPayload {
  return {
    client_id: client.clientId,
    client_id_issued_at: Math.floor(client.issuedAtMs / 1000),
    ...(client.name === undefined ? {} : { client_name: client.name }),
    redirect_uris: [...client.redirectUris],
    application_type: client.applicationType,
    grant_types: [...client.grantTypes],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  }
}

/** Where `oidc-provider` looks for clients that are not configured. It does not write any: registrations are ours. */
export class ClientAdapter implements Adapter {
  readonly #clients: Clients

  constructor(clients: Clients) {
    this.#clients = clients
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const client = await this.#clients.find(id)
    return client === undefined ? undefined : toMetadata(client)
  }

  upsert(): Promise<never> {
    return notHere()
  }

  findByUid(): Promise<never> {
    return notHere()
  }

  findByUserCode(): Promise<never> {
    return notHere()
  }

  consume(): Promise<never> {
    return notHere()
  }

  destroy(): Promise<never> {
    return notHere()
  }

  revokeByGrantId(): Promise<never> {
    return notHere()
  }
}

function notHere(): Promise<never> {
  return Promise.reject(new TypeError('clients are only looked up here'))
}

function sealContext(digest: string): string {
  return `artefact/${MODEL}/${digest}`
}
