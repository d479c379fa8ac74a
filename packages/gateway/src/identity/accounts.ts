import type { Clock } from '#base'
import type { Agent, IdentityStore, Person, RosterEntry, StoredLogin, Workload } from '#model'
import type { Clients } from './clients.ts'
import type { JobToken } from './job-tokens.ts'
import type { PersonClaims } from './person.ts'

/** How often a workload's last sight is written: each write is synced. */
const SIGHT_NOTED_EVERY_MS = 10 * 60_000

/** Turns what is kept, and what tokens say, into identities. */
export class Accounts {
  readonly #store: IdentityStore
  readonly #clients: Pick<Clients, 'agentOf'>
  readonly #clock: Clock
  /** When each workload was last noted; the configuration bounds it. */
  readonly #noted = new Map<string, number>()

  constructor(store: IdentityStore, clients: Pick<Clients, 'agentOf'>, clock: Clock) {
    this.#store = store
    this.#clients = clients
    this.#clock = clock
  }

  /**
   * The person of a login, as the roster knows them now, with the agent that they come through when the login is not that of our own command
   * line; undefined when the roster does not know them.
   */
  async personOf(login: StoredLogin): Promise<Person | undefined> {
    const entry = await this.#store.roster.find(login.identityId)
    return entry?.kind === 'person'
      ? toPerson(entry, login.mfa, await this.#clients.agentOf(login.clientId))
      : undefined
  }

  /** A person as an ID token describes them, before anything of them is kept. */
  async describe(claims: PersonClaims, clientId: string): Promise<Person> {
    return toPerson(claims, claims.mfa, await this.#clients.agentOf(clientId))
  }

  /** Writes what an ID token said about a person. */
  async notePerson({ id, issuer, subject, name, email, groups }: PersonClaims): Promise<void> {
    const now = this.#nowMs()
    await this.#store.roster.put({
      id,
      kind: 'person',
      issuer,
      subject,
      ...(name === undefined ? {} : { name }),
      ...(email === undefined ? {} : { email }),
      groups,
      firstSeenMs: now,
      lastSeenMs: now,
    })
  }

  /** The workload of a job token; its sight is noted now and then. */
  async workloadOf({ rule, subject }: JobToken): Promise<Workload> {
    const { name, issuer } = rule
    const groups = [...new Set(rule.groups)].toSorted()
    const now = this.#nowMs()
    if (now - (this.#noted.get(name) ?? 0) >= SIGHT_NOTED_EVERY_MS) {
      const entry = {
        id: name,
        kind: 'workload',
        issuer,
        subject,
        name,
        groups,
        firstSeenMs: now,
        lastSeenMs: now,
      } as const
      await this.#store.roster.put(entry)
      this.#noted.set(name, now)
    }
    return { kind: 'workload', id: name, issuer, subject, name, groups, mfa: false }
  }

  #nowMs(): number {
    return Math.floor(this.#clock.nowMs())
  }
}

/** What people call somebody: the e-mail, else the name, else the id. */
export function displayName({ id, name, email }: Pick<RosterEntry, 'id' | 'name' | 'email'>): string {
  return email ?? name ?? id
}

type KnownPerson = Pick<RosterEntry, 'id' | 'issuer' | 'subject' | 'groups' | 'name' | 'email'>

function toPerson(known: KnownPerson, mfa: boolean, agent: Agent | undefined): Person {
  const { id, issuer, subject, groups } = known
  const name = displayName(known)
  return { kind: 'person', id, issuer, subject, name, groups, mfa, ...(agent === undefined ? {} : { agent }) }
}
