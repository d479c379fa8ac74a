/**
 * Partitions and children of tables with declared columns hold the same data. PostgreSQL knows which they are, policy does not: it knows a declared
 * column by its own table. So what computes with one under the name of a partition, or loses its name, counts as not understood.
 */
import type { Access, Shape } from '#model'
import type { Classification } from './classifier.ts'
import { type Declarations, tableKey } from './columns.ts'
import { incompleteShape } from './words.ts'

/** A classification in which no statement uses a declared column of a partition in a way that policy would not hear of. */
export function withPartitions(classification: Classification, { inherited }: Declarations): Classification {
  if (classification.kind !== 'statements' || inherited.size === 0) return classification
  const uses = ({ accesses }: Shape): boolean => accesses.some((access) => usesInherited(access, inherited))
  const statements = classification.statements.map((statement) =>
    uses(statement.shape) ? { ...statement, shape: incompleteShape(statement.shape, REASON) } : statement,
  )
  return { ...classification, statements }
}

const REASON = 'it computes with a declared column under the name of a partition'

function usesInherited({ object, computed, unnamed }: Access, inherited: Declarations['inherited']): boolean {
  const columns = object.kind === 'table' ? inherited.get(tableKey(object.schema, object.name)) : undefined
  if (columns === undefined) return false
  return [computed, unnamed].some((used) => used === '*' || used?.some((name) => columns.has(name)) === true)
}
