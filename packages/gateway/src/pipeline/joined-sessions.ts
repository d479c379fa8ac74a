import type { OpenSession, Refusal, VerifiedCredential } from '#model'
import { isRefusal } from '#model'

/** Opens a session for a credential that was verified. */
type Opening = () => Promise<OpenSession | Refusal>

/** The sessions of protocols without connections: one for each token and resource, as long as it is open. */
export class JoinedSessions {
  /** Sessions that are open or being opened, by token and resource. */
  readonly #sessions = new Map<string, Promise<OpenSession | Refusal>>()

  /** The open session of a credential on a resource; opens one when there is none. Two who come at once get the same. */
  async join(credential: VerifiedCredential, resource: string, open: Opening): Promise<OpenSession | Refusal> {
    const key = `${credential.tokenId}\n${resource}`
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
