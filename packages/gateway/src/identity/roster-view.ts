import type { Clock } from '#base'
import type { IdentityStore, RosterEntry } from '#model'
import { displayName } from './accounts.ts'
import type { Clients } from './clients.ts'
import type { ListedLogin } from './options.ts'
import { CLI_CLIENT_NAME } from './settings.ts'

/** What the store looks up at a time. */
const AT_ONCE = 500
/** People of one name that are looked at. */
const MAX_NAMESAKES = 100

/** What people are shown of the roster and the logins. */
export class RosterView {
  readonly #store: IdentityStore
  readonly #clock: Clock
  readonly #clients: Pick<Clients, 'agentOf'>

  constructor(store: IdentityStore, clock: Clock, clients: Pick<Clients, 'agentOf'>) {
    this.#store = store
    this.#clock = clock
    this.#clients = clients
  }

  async names(ids: readonly string[]): Promise<Readonly<Record<string, string>>> {
    const wanted = [...new Set(ids)]
    const entries: RosterEntry[] = []
    for (let from = 0; from < wanted.length; from += AT_ONCE) {
      entries.push(...(await this.#store.roster.findAll(wanted.slice(from, from + AT_ONCE))))
    }
    const named = entries.filter(({ name, email }) => name !== undefined || email !== undefined)
    return Object.fromEntries(named.map((entry) => [entry.id, displayName(entry)]))
  }

  async find(person: string): Promise<string | undefined> {
    if ((await this.#store.roster.find(person)) !== undefined) return person
    const found = await this.#store.roster.search(person, MAX_NAMESAKES)
    const address = person.toLowerCase()
    const owners = found.filter(({ email }) => email?.toLowerCase() === address)
    // People choose their names, at many providers, so a name must not stand in the way of an address.
    const meant = owners.length > 0 ? owners : found
    // Two of one name: to pick one would be to guess.
    return meant.length === 1 ? meant[0]?.id : undefined
  }

  async logins({
    identityId,
    active = false,
    limit,
  }: {
    readonly identityId?: string
    readonly active?: boolean
    readonly limit: number
  }): Promise<readonly ListedLogin[]> {
    const logins = await this.#store.logins.list({
      limit,
      ...(identityId === undefined ? {} : { identityId }),
      ...(active ? { activeAtMs: Math.floor(this.#clock.nowMs()) } : {}),
    })
    const listed: ListedLogin[] = []
    for (const login of logins) {
      const agent = await this.#clients.agentOf(login.clientId)
      listed.push({ ...login, clientName: agent?.name ?? CLI_CLIENT_NAME })
    }
    return listed
  }
}
