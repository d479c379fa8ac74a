import type { Clock } from '#base'
import type { IdentityStore, StoredLogin } from '#model'
import { displayName } from './accounts.ts'

/** What people are shown of the roster and the logins. */
export class RosterView {
  readonly #store: IdentityStore
  readonly #clock: Clock

  constructor(store: IdentityStore, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  async names(ids: readonly string[]): Promise<Readonly<Record<string, string>>> {
    const entries = await this.#store.roster.findAll([...new Set(ids)])
    const named = entries.filter(({ name, email }) => name !== undefined || email !== undefined)
    return Object.fromEntries(named.map((entry) => [entry.id, displayName(entry)]))
  }

  async find(person: string): Promise<string | undefined> {
    const [first, second] = await this.#store.roster.search(person, 2)
    // Two of one name: to pick one would be to guess.
    return second === undefined ? first?.id : undefined
  }

  async logins({
    identityId,
    active = false,
    limit,
  }: {
    readonly identityId?: string
    readonly active?: boolean
    readonly limit: number
  }): Promise<readonly StoredLogin[]> {
    return await this.#store.logins.list({
      limit,
      ...(identityId === undefined ? {} : { identityId }),
      ...(active ? { activeAtMs: Math.floor(this.#clock.nowMs()) } : {}),
    })
  }
}
