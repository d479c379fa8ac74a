import type { SQLInputValue } from 'node:sqlite'
import type { RecordQuery } from '#model/read'

/** A filter as SQL; every value is bound. */
export interface Conditions {
  readonly where: string
  readonly values: readonly SQLInputValue[]
}

const CAUSED_BY = 'sequence in (select sequence from cause where call = ?)'
const CAUSED_BY_SESSION = `sequence in (
  select cause.sequence from record as caller join cause on cause.call = caller.sequence where caller.session = ?)`

/**
 * The SQL of a filter.
 *
 * @param agentColumn by what an agent is named: one of the two, since an index over both could not give the records in their order.
 */
export function conditions(query: RecordQuery, agentColumn: 'agent' | 'agent_name'): Conditions {
  const parts: readonly (readonly [sql: string, value: SQLInputValue | undefined])[] = [
    ['sequence < ?', query.before],
    ['sequence > ?', query.after],
    ['actor = ?', query.identity],
    ['resource = ?', query.resource],
    ['session = ?', query.session],
    ['decision = ?', query.decision],
    ['phase = ?', query.phase],
    ['verb = ?', query.verb],
    ['server = ?', query.server],
    ['tool = ?', query.tool],
    [`${agentColumn} = ?`, query.agent],
    ['approval = ?', query.approval],
    [CAUSED_BY, query.causedBy],
    [CAUSED_BY_SESSION, query.causedBySession],
    ['time >= ?', query.fromMs],
    ['time <= ?', query.toMs],
  ]
  const given = parts.flatMap(([sql, value]) => (value === undefined ? [] : [{ sql, value }]))
  return {
    where: given.length === 0 ? '' : `where ${given.map(({ sql }) => sql).join(' and ')}`,
    values: given.map(({ value }) => value),
  }
}
