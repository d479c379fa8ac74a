import type { Bytes } from '#base'

/**
 * What an operation is, without its literals: the classifier's answer. It is cached, shared by all operations of the same text and
 * compared by identity, so it must never be changed after it was made.
 */
export interface Shape {
  /** The verb, in the field's words: `SELECT`, `INSERT`, `BEGIN`, `SHOW`, `PREPARE`… */
  readonly verb: string
  /** What it touches and how; policy answers one question per access. */
  readonly accesses: readonly Access[]
  /** Why it could not be fully understood; an incomplete operation is denied. */
  readonly incomplete?: string
  /** The text with literals, comments and unknown names removed; never holds a value. */
  readonly template: string
  /** Identifies the template (hexadecimal). */
  readonly fingerprint: string
  /** Of a tool call: the hash of the tool's pinned definition (hexadecimal). */
  readonly definition?: string
}

/** One effect on one object. */
export interface Access {
  readonly effect: Effect
  readonly object: ObjectName
  /** Columns named for this access, when they are known; absent means "any". */
  readonly columns?: readonly string[]
  /**
   * Of a `select`, and of a `ddl`, which has PostgreSQL do it: columns whose values enter an expression: anything but being given out as they are,
   * sorted, compared for equality or counted. Absent means none; `*` means that any column may. Names are exact.
   */
  readonly computed?: readonly string[] | '*'
  /**
   * Of a `select`: columns that are given out as they are, but where a result's description names no column of a table (an aggregate, an
   * array, a row, JSON, a UNION, a cast), under another label. Absent means none; `*` means that any column may.
   */
  readonly unnamed?: readonly string[] | '*'
}

/** What an operation does to an object: the leaf actions of SQL (`docs/guide/policy.md`), and the call of a tool, which is an action of its own for each tool. */
export type Effect = 'select' | 'insert' | 'update' | 'delete' | 'truncate' | 'ddl' | 'call' | 'setSetting' | 'callTool'

/** The object of an access. Names are exact: folded and unquoted as the resource would. */
export type ObjectName =
  | { readonly kind: 'table'; readonly schema: string; readonly name: string }
  | { readonly kind: 'schema'; readonly schema: string }
  | { readonly kind: 'function'; readonly schema: string; readonly name: string }
  | { readonly kind: 'setting'; readonly name: string }
  | { readonly kind: 'database' }
  | { readonly kind: 'tool'; readonly name: string }

/** One thing asked: a statement as it is about to run. */
export interface Operation {
  readonly shape: Shape
  /**
   * The exact statement and parameters or arguments as UTF-8 JSON (`{"statement":…,"parameters":[…]}`), not yet scrubbed:
   * the pipeline scrubs it before it is recorded. At most `MAX_PAYLOAD_BYTES`.
   */
  readonly payload: Bytes
  /**
   * Of a tool call: the JSON text of the arguments object as the client wrote it, numbers and all. No duplicate keys, depth and length bounded:
   * policy reads from it what it has a type for.
   */
  readonly arguments?: string
  /**
   * The exact bytes of what the payload writes for reading: parameters with their types and formats. Asked for only when an approval is to be
   * bound to the operation; never recorded, never shown.
   */
  readonly exact?: () => Bytes
}

/** The largest payload that the trail takes: a statement of 1 MiB with what JSON adds. */
export const MAX_PAYLOAD_BYTES = 1_310_720

/**
 * How an operation ended, as far as the boundary saw. `refused`: never sent; `skipped`: permitted, but something before it failed;
 * `lost`: the connection ended before an answer came. Recovery adds `unknown` for intents that have no outcome.
 */
export type OutcomeStatus = 'success' | 'error' | 'refused' | 'skipped' | 'cancelled' | 'masking-refused' | 'lost'

/** What came back. */
export interface Outcome {
  readonly status: OutcomeStatus
  /** The resource's own error code (an SQLSTATE), when it gave one. */
  readonly errorCode?: string
  readonly rows: number
  /** Result bytes that the client received. */
  readonly bytes: number
  readonly durationMs: number
  /** SHA-256 of the result bytes that the client received (hexadecimal), when it received any. */
  readonly digest?: string
  readonly masking?: MaskingSummary
  /** The reference of the request for approval that a held operation opened or found. */
  readonly request?: string
}

/** The masking record of one result: counts and rules, never a value. */
export interface MaskingSummary {
  /** Hash of the rules in force. */
  readonly ruleset: string
  readonly columns: readonly MaskedColumn[]
}

/** What happened to one column. */
export interface MaskedColumn {
  readonly name: string
  /** `declared-pan`, `detected-pan`, `refused-numeric`, `refused-sad`. */
  readonly rule: string
  readonly seen: number
  readonly masked: number
}
