import type { JsonObject } from '#base'
import { list, member, text } from '../leaf-members.ts'

/** An identity as its last record has it. */
export interface SeenIdentity {
  readonly id: string
  readonly kind: 'person' | 'workload'
  readonly groups: readonly string[]
}

/** Who appears in records, and under which names. */
export class SeenIdentities {
  readonly #names: (ids: readonly string[]) => Promise<Readonly<Record<string, string>>>
  readonly #asked = new Set<string>()
  readonly #known = new Map<string, string>()
  readonly #identities = new Map<string, SeenIdentity>()

  constructor(names: (ids: readonly string[]) => Promise<Readonly<Record<string, string>>>) {
    this.#names = names
  }

  /** Names of all who appeared, as far as they have one; grows. */
  get names(): ReadonlyMap<string, string> {
    return this.#known
  }

  get identities(): Iterable<SeenIdentity> {
    return this.#identities.values()
  }

  /** Learns the names of everybody in these records, before rows are written of them. */
  async meet(leaves: readonly JsonObject[]): Promise<void> {
    const fresh = new Set<string>()
    for (const leaf of leaves) {
      this.#note(leaf)
      for (const id of personsOf(leaf)) if (!this.#asked.has(id)) fresh.add(id)
    }
    if (fresh.size === 0) return
    const names = await this.#names([...fresh])
    for (const id of fresh) {
      this.#asked.add(id)
      const name = names[id]
      if (name !== undefined) this.#known.set(id, name.toWellFormed())
    }
  }

  #note(leaf: JsonObject): void {
    const unmapped = leaf['unmapped']
    const user = member(leaf['actor'], 'user')
    const id = text(member(user, 'uid'))
    // Outcomes repeat who it was, without the groups.
    if (id === null || member(unmapped, 'phase') === 'outcome') return
    const groups = list(member(user, 'groups')).flatMap((group) => text(member(group, 'name')) ?? [])
    this.#identities.set(id, { id, kind: member(user, 'type') === 'workload' ? 'workload' : 'person', groups })
  }
}

/** Everybody whom a record names: who acted, who approved, who asked. */
function personsOf(leaf: JsonObject): readonly string[] {
  const unmapped = leaf['unmapped']
  const ids = [
    member(member(leaf['actor'], 'user'), 'uid'),
    member(member(unmapped, 'details'), 'requester'),
    ...list(member(member(unmapped, 'approval'), 'approvers')),
  ]
  return ids.filter((id) => typeof id === 'string')
}
