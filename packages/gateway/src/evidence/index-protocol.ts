import type { RecordQuery, RecordRow } from '#model/read'

/** What the index worker is started with. */
export interface IndexWorkerData {
  readonly file: string
  readonly directory: string
  readonly origin: string
  readonly size: number
}

/** What the worker is told or asked. */
export type IndexRequest =
  | { readonly kind: 'advance'; readonly size: number }
  | { readonly kind: 'query'; readonly id: number; readonly query: RecordQuery }
  | { readonly kind: 'record'; readonly id: number; readonly sequence: number }
  | { readonly kind: 'close' }

/** What it says. */
export type IndexAnswer =
  | { readonly kind: 'indexed'; readonly indexed: number }
  | { readonly kind: 'rows'; readonly id: number; readonly rows: readonly RecordRow[]; readonly indexed: number }
  | { readonly kind: 'failed'; readonly id: number; readonly reason: string }
