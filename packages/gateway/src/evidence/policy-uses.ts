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

  find(query: UseQuery): readonly PolicyUse[] {
    const { policy, identity: actor, resource, server, tool } = query
    const given = Object.entries({ policy, actor, resource, server, tool }).flatMap(([column, value]) =>
      value === undefined ? [] : [{ column, value }],
    )
    const where = given.length === 0 ? '' : `where ${given.map(({ column }) => `${column} = ?`).join(' and ')}`
    const values: readonly SQLInputValue[] = [...given.map(({ value }) => value), query.limit]
    const sql = `select * from policy_use ${where} order by sequence desc, policy limit ?`
    return this.#database
      .prepare(sql)
      .all(...values)
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

function toUse(row: Readonly<Record<string, unknown>>): PolicyUse {
  const { policy, actor, verb, resource, server, tool, sequence, time, uses } = row
  return {
    policy: String(policy),
    identity: String(actor),
    verb: String(verb),
    ...(resource === '' ? {} : { resource: String(resource) }),
    ...(server === '' ? {} : { server: String(server) }),
    ...(tool === '' ? {} : { tool: String(tool) }),
    sequence: Number(sequence),
    timeMs: Number(time),
    uses: Number(uses),
  }
}
