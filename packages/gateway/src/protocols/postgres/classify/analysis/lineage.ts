/**
 * Where a value may come from, unaltered. Values form a graph with the columns of tables at its ends, and a recursive CTE makes a circle of
 * it. Whatever alters a value cuts it off: the result is `made`, and what went in is noted as computed (`uses.ts`).
 */
export type Lineage = End | Choice

/** Where the graph ends. */
export type End = typeof constant | typeof made | Origin

/** Written in the statement or sent as a parameter, and the same for all rows. */
export const constant = { kind: 'constant' } as const

/** The result of an operator or a function: whatever the statement made of what went in. */
export const made = { kind: 'made' } as const

/** What a column's values may be used for, beyond being given out as they are, compared for equality and counted. */
export type Use = 'computed' | 'unnamed'

/** A column of a table, or any of them. */
export interface Origin {
  readonly kind: 'origin'
  /** Tells its table from others. */
  readonly table: string
  /** Absent: any of the table's columns. */
  readonly name: string | undefined
  /** Notes a use of it. */
  readonly note: (use: Use, name: string | undefined) => void
}

/** One of several values. */
interface Choice {
  readonly kind: 'choice'
  /** Asked for when everything is read, for a recursive CTE is referred to before it is known. */
  readonly parts: () => readonly Lineage[]
  /** Whether a result column still tells the database's column that it shows. */
  readonly isTraced: boolean
  /** Whether it is the same one in all rows: what a name means. */
  readonly isFixed: boolean
}

/** A reference to a value of a source: PostgreSQL follows it back to the table's column. */
export function referenceTo(parts: () => readonly Lineage[]): Lineage {
  return { kind: 'choice', parts, isTraced: true, isFixed: true }
}

/** All columns of a source at once. */
export function wholeRow(parts: () => readonly Lineage[]): Lineage {
  return { kind: 'choice', parts, isTraced: true, isFixed: false }
}

/** A value that holds others whole, but in a form that PostgreSQL does not trace: an array, a row, an aggregate, a cast, a UNION. */
export function holding(parts: readonly Lineage[]): Lineage {
  return { kind: 'choice', parts: () => parts, isTraced: false, isFixed: false }
}

/** A value made of all of these and nothing else, so that constants make a constant. Where rows decide which one it is, it is none. */
export function together(parts: readonly Lineage[]): Lineage {
  return isConstant(parts) ? constant : holding(parts)
}

/** Whether all of these are constants. */
export function isConstant(values: readonly Lineage[]): boolean {
  return values.every((value) => value === constant)
}
