import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { JsonObject } from '#base'
import type { PolicyUse, UseQuery } from '#model/read'
import type { LeafColumns } from './leaf-columns.ts'
import { integer, list, member, text } from './leaf-members.ts'

/** Members of the key are never null, so that equal keys are one row: what there is none of is empty. */
export const USES_SCHEMA = `
  create table policy_use (
    policy text not null, actor text not null, verb text not null, resource text not null, server text not null, tool text not null,
    sequence integer not null, time integer not null, uses integer not null,
    primary key (policy, actor, verb, resource, server, tool)
  ) strict, without rowid;
`

/** OCSF `status_id` of an event that succeeded. */
const SUCCESS = 1

interface Use {
  readonly key: readonly [policy: string, actor: string, verb: string, resource: string, server: string, tool: string]
  sequence: number
  time: number
  uses: number
}

/** Which policies let whom do what, and when last: gathered while records are indexed, and written with them. */
export class PolicyUses {
  readonly #database: DatabaseSync
  readonly #uses = new Map<string, Use>()

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** Takes a record into account; records come in order. */
  note(sequence: number, leaf: JsonObject, columns: LeafColumns): void {
    const allowed = allowedBy(leaf, columns)
    if (allowed === undefined || columns.actor === null) return
    for (const policy of allowed.policies) {
      if (typeof policy !== 'string') continue
      const { actor, resource, server, tool, time } = columns
      const key = [policy, actor, allowed.verb, resource ?? '', server ?? '', tool ?? ''] as const
      const name = JSON.stringify(key)
      const use = this.#uses.get(name)
      if (use === undefined) this.#uses.set(name, { key, sequence, time, uses: 1 })
      else {
        use.sequence = sequence
        use.time = time
        use.uses += 1
      }
    }
  }

  /** Writes what was gathered, within the transaction of the records. */
  flush(): void {
    const upsert = this.#database.prepare(`
      insert into policy_use values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do
      update set sequence = excluded.sequence, time = excluded.time, uses = uses + excluded.uses`)
    for (const { key, sequence, time, uses } of this.#uses.values()) upsert.run(...key, sequence, time, uses)
    this.#uses.clear()
  }

  /** Each policy on each resource, those used last first: as many as there are policies, however many people use them. */
  find({ identity, tool }: UseQuery): readonly PolicyUse[] {
    const parts: readonly (readonly [sql: string, values: readonly SQLInputValue[]])[] = [
      ...(identity === undefined ? [] : [['actor = ?', [identity]] as const]),
      ...(tool === undefined ? [] : [["server = ? and tool in ('', ?)", [tool.server, tool.tool]] as const]),
    ]
    const where = parts.length === 0 ? '' : `where ${parts.map(([sql]) => sql).join(' and ')}`
    // SQLite, "Bare columns in an aggregate query": beside one max() they are those of the row that has it.
    const sql = `
      select policy, resource, max(sequence) as sequence, time, sum(uses) as uses from policy_use ${where}
      group by policy, resource order by sequence desc, policy`
    return this.#database
      .prepare(sql)
      .all(...parts.flatMap(([, values]) => values))
      .map(toUse)
  }
}

/** What a record says was allowed, and by which policies; undefined when it says nothing of the kind. */
function allowedBy(
  leaf: JsonObject,
  { phase, decision, verb }: LeafColumns,
): { readonly verb: string; readonly policies: readonly unknown[] } | undefined {
  const unmapped = leaf['unmapped']
  if (phase === 'intent') {
    if (decision !== 'allow' || verb === null) return undefined
    return { verb, policies: list(member(member(unmapped, 'decision'), 'policies')) }
  }
  const details = member(unmapped, 'details')
  if (phase !== 'event' || integer(leaf['status_id']) !== SUCCESS || member(details, 'decision') !== 'allow')
    return undefined
  const deed = text(member(details, 'action')) ?? (text(member(unmapped, 'activity')) === 'open' ? 'connect' : null)
  return deed === null ? undefined : { verb: deed, policies: list(member(details, 'policies')) }
}

function toUse({ policy, resource, sequence, time, uses }: Readonly<Record<string, unknown>>): PolicyUse {
  return {
    policy: String(policy),
    ...(resource === '' ? {} : { resource: String(resource) }),
    sequence: Number(sequence),
    timeMs: Number(time),
    uses: Number(uses),
  }
}
