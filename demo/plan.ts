import { fileURLToPath } from 'node:url'
import { CUSTOMERS, demoSql } from './data.ts'

/** The repository. */
export const REPOSITORY: string = fileURLToPath(new URL('..', import.meta.url))

/** What a boundary on this machine is to be: the demo's own, or one for a test. */
export interface BoundaryPlan {
  /** The folder whose `.sallyport` keeps the logins, others' beside them; the boundary's own unless given. */
  readonly home?: string
  readonly ports: Ports
  /** The SQL that fills the database `cards`, as its superuser; it makes the service role with this password. */
  readonly sql: (servicePassword: string) => string
  /** Tables that policy may name. */
  readonly tables: readonly string[]
  /** Columns declared as card numbers, as `schema.table.column`. */
  readonly panColumns: readonly string[]
  /** Further policies, besides the demo's. */
  readonly policy?: string
  /** Further resources: entries of `resources` in sallyport.yaml, indented as they are there. */
  readonly resources?: string
  /** Files of the policy folder besides the demo's, or in their place: their texts by name. */
  readonly policyFiles?: Readonly<Record<string, string>>
  /** People whom the identity provider knows besides the demo's, with what it says of them. */
  readonly people?: readonly { readonly id: string; readonly name: string; readonly groups: readonly string[] }[]
  /** What is said of the data. */
  readonly words: string
  /** Further settings of the database. */
  readonly databaseSettings?: Readonly<Record<string, string>>
  /** Further lines at the top level of sallyport.yaml. */
  readonly configuration?: string
}

/** Ports on 127.0.0.1 that are wanted; the next free one is taken. */
export interface Ports {
  readonly http: number
  readonly postgres: number
  readonly idp: number
}

/** The demo. */
export const DEMO: BoundaryPlan = {
  ports: { http: 8080, postgres: 5432, idp: 8180 },
  sql: demoSql,
  tables: ['public.customers', 'public.orders', 'public.job_runs'],
  panColumns: ['public.customers.pan'],
  words: `cards: ${CUSTOMERS} customers, orders, job_runs; test card numbers only`,
}
