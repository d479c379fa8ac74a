import type { IncomingMessage } from 'node:http'
import type { Clock, JsonObject } from '#base'
import type { ErrorCode, Identity, TrailEvent, TrailOutlet } from '#model'

/** Where a request came from, as the kernel says; a header that claims otherwise is not asked. */
export type Client = NonNullable<TrailEvent['client']>

/** Records what happens at the doors, before it takes effect. Each method throws `SP_TRAIL_UNAVAILABLE` when it cannot. */
export class Recorder {
  readonly #trail: TrailOutlet
  readonly #clock: Clock

  constructor(trail: TrailOutlet, clock: Clock) {
    this.#trail = trail
    this.#clock = clock
  }

  /** Somebody is about to be logged in. */
  async login(actor: Identity, client: Client | undefined, details: JsonObject): Promise<void> {
    await this.#record({
      class: 'authentication',
      activity: 'login',
      actor,
      ...from(client),
      status: 'success',
      details,
    })
  }

  /** Somebody came back from the identity provider and is not let in. */
  async loginRefused(code: ErrorCode, client: Client | undefined, details: JsonObject): Promise<void> {
    await this.#record({
      class: 'authentication',
      activity: 'login',
      ...from(client),
      status: 'failure',
      code,
      details,
    })
  }

  /** Somebody gives up their login. */
  async logout(actor: Identity, client: Client | undefined, details: JsonObject): Promise<void> {
    await this.#record({
      class: 'authentication',
      activity: 'logout',
      actor,
      ...from(client),
      status: 'success',
      details,
    })
  }

  /** A token is about to be issued. */
  async token(
    issue: { readonly isRefresh: boolean; readonly resource?: string; readonly details: JsonObject },
    actor: Identity,
    client: Client | undefined,
  ): Promise<void> {
    const { isRefresh, resource, details } = issue
    await this.#record({
      class: 'authentication',
      activity: isRefresh ? 'token-refreshed' : 'token-issued',
      actor,
      ...from(client),
      ...(resource === undefined ? {} : { resource }),
      status: 'success',
      details,
    })
  }

  /** An application is about to be known as a client. Nobody in particular did it: it comes before any login. */
  async clientRegistered(client: Client | undefined, details: JsonObject): Promise<void> {
    await this.#record({
      class: 'entity-management',
      activity: 'client-register',
      ...from(client),
      status: 'success',
      details,
    })
  }

  /** Sallyport ends a login by itself. */
  async grantEnded(actor: Identity, client: Client | undefined, grantId: string, comment: string): Promise<void> {
    const details = { entity: { type: 'grant', uid: grantId }, comment }
    await this.#record({
      class: 'entity-management',
      activity: 'revoke',
      actor,
      ...from(client),
      status: 'success',
      details,
    })
  }

  async #record(event: TrailEvent): Promise<void> {
    await this.#trail.record([{ kind: 'event', timeMs: Math.floor(this.#clock.nowMs()), event }])
  }
}

/** The peer of a request, while it is connected. */
export function clientOf({ socket }: IncomingMessage): Client | undefined {
  const { remoteAddress: address, remotePort: port } = socket
  return address === undefined || port === undefined ? undefined : { address, port }
}

function from(client: Client | undefined): Pick<TrailEvent, 'client'> {
  return client === undefined ? {} : { client }
}
