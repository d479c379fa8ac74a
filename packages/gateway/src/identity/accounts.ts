import type { Clock } from '#base'
import type { Identity, IdentityStore, Person, RosterEntry, StoredLogin, Workload } from '#model'
import type { JobToken } from './job-tokens.ts'
import type { PersonClaims } from './person.ts'
import { CLI_CLIENT_ID } from './settings.ts'

/** How often a workload's last sight is written: each write is synced. */
const SIGHT_NOTED_EVERY_MS = 10 * 60_000

/** Turns what is kept, and what tokens say, into identities. */
export class Accounts {
  readonly #store: IdentityStore
  readonly #clock: Clock
  /** When each workload was last noted; the configuration bounds it. */
  readonly #noted = new Map<string, number>()

  constructor(store: IdentityStore, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** The person of a login, as the roster knows them now; undefined when it does not. */
  async personOf(login: StoredLogin): Promise<Person | undefined> {
    const entry = await this.#store.roster.find(login.identityId)
    return entry?.kind === 'person' ? toPerson(entry, login) : undefined
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

/** A person as an ID token describes them, before anything of them is kept. */
export function toIdentity(claims: PersonClaims, clientId: string): Person {
  const { id, issuer, subject, groups, mfa } = claims
  return { kind: 'person', id, issuer, subject, name: displayName(claims), groups, mfa, ...agentOf(clientId) }
}

/** What people call somebody: the e-mail, else the name, else the id. */
export function displayName({ id, name, email }: Pick<RosterEntry, 'id' | 'name' | 'email'>): string {
  return email ?? name ?? id
}

function toPerson(entry: RosterEntry, { mfa, clientId }: StoredLogin): Person {
  const { id, issuer, subject, groups } = entry
  return { kind: 'person', id, issuer, subject, name: displayName(entry), groups, mfa, ...agentOf(clientId) }
}

/** Whoever comes through another client than our own command line comes through an agent. */
function agentOf(clientId: string): Pick<Identity, 'agent'> {
  return clientId === CLI_CLIENT_ID ? {} : { agent: { id: clientId, name: clientId } }
}
