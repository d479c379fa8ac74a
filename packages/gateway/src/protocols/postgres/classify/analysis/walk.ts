import type { Findings } from './findings.ts'
import type { Outputs } from './outputs.ts'
import type { CteScope, Level } from './scope.ts'
import type { Fields } from './tree.ts'
import type { Uses } from './uses.ts'
import type { ObjectName } from '#model'

/** What every part of the analysis shares: where findings go, what names mean, and the way from expressions back to queries. */
export interface Walk {
  readonly findings: Findings
  readonly uses: Uses
  readonly database: string
  /** The one schema of unqualified names besides pg_catalog. */
  readonly searchPath: string
  /** Reads a subquery (the fields of a SelectStmt) below a level. */
  query(fields: Fields, outer: Level | undefined, ctes: CteScope | undefined): Level
  /** Reads a statement that stands in WITH: a query or a data-modifying statement. Returns what it gives. */
  withStatement(node: unknown, outer: Level | undefined, ctes: CteScope | undefined): Outputs
}

/** A table of the resource. */
export type TableName = Extract<ObjectName, { kind: 'table' }>
