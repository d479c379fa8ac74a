import type { ClientAddress, OpenSession, Refusal, VerifiedCredential } from '#model'
import { isRefusal } from '#model'

/** Opens a session for a credential that was verified. */
type Opening = () => Promise<OpenSession | Refusal>

/** What is joined, and from where. */
export interface Joining {
  readonly credential: VerifiedCredential
  readonly resource: string
  readonly client: ClientAddress
}

/**
 * The sessions of protocols without connections: one for each token, resource and address that it is used from, as long as it is open. Policy is asked
 * and records say where a session's requests come from, so a token that turns up elsewhere is not taken for where it was first; nor is somebody
 * who is in other groups by now taken for who they were.
 */
export class JoinedSessions {
  /** Sessions that are open or being opened, by token, resource, address and groups. */
  readonly #sessions = new Map<string, Promise<OpenSession | Refusal>>()

  /** The open session of a credential on a resource; opens one when there is none. Two who come at once get the same. */
  async join({ credential, resource, client }: Joining, open: Opening): Promise<OpenSession | Refusal> {
    const { tokenId, identity } = credential
    const key = JSON.stringify([tokenId, resource, client.address, identity.groups])
    const known = await this.#sessions.get(key)
    if (known !== undefined && !isRefusal(known) && !known.ended.aborted) return known
    const opening = this.#sessions.get(key) ?? this.#open(key, open)
    return await opening
  }

  #open(key: string, open: Opening): Promise<OpenSession | Refusal> {
    const opening = open()
    this.#sessions.set(key, opening)
    const forget = (): void => {
      if (this.#sessions.get(key) === opening) this.#sessions.delete(key)
    }
    opening.then((session) => {
      if (isRefusal(session)) forget()
      else if (session.ended.aborted) forget()
      else session.ended.addEventListener('abort', forget, { once: true })
    }, forget)
    return opening
  }
}
