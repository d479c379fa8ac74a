/**
 * Partitions and children of tables with declared columns hold the same data. PostgreSQL knows which they are, policy does not: it knows a declared
 * column by its own table. So what computes with one under the name of a partition, or loses its name, counts as not understood.
 */
import type { Access } from '#model'
import type { Classification, ClassifiedStatement } from './classifier.ts'
import { type Declarations, tableKey } from './columns.ts'
import { incompleteShape } from './words.ts'

/** A classification in which no statement uses a declared column of a partition in a way that policy would not hear of. */
export function withPartitions(classification: Classification, declarations: Declarations): Classification {
  if (classification.kind !== 'statements' || declarations.inherited.size === 0) return classification
  const statements = classification.statements.map((statement) => statementWithPartitions(statement, declarations))
  return { ...classification, statements }
}

/** The same for one statement. */
export function statementWithPartitions(
  statement: ClassifiedStatement,
  { inherited }: Declarations,
): ClassifiedStatement {
  const { shape } = statement
  const isUsing = shape.incomplete === undefined && shape.accesses.some((access) => usesInherited(access, inherited))
  return isUsing ? { ...statement, shape: incompleteShape(shape, REASON) } : statement
}

const REASON = 'it computes with a declared column under the name of a partition'

function usesInherited({ object, computed, unnamed }: Access, inherited: Declarations['inherited']): boolean {
  const columns = object.kind === 'table' ? inherited.get(tableKey(object.schema, object.name)) : undefined
  if (columns === undefined) return false
  return [computed, unnamed].some((used) => used === '*' || used?.some((name) => columns.has(name)) === true)
}
