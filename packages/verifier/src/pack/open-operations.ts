import { shownStatement } from './access-log.ts'
import type { JsonObject } from './members.ts'

/**
 * Characters of intents that are kept parsed: more than a thousand usual ones. Parsed, a record can take twenty-five times
 * its text.
 */
const MAX_PARSED = 2 * 1024 * 1024

/** A record as it stands in the log, and parsed. */
export interface ParsedRecord {
  readonly text: string
  readonly leaf: JsonObject
}

/** An operation that has not ended. */
export interface OpenOperation {
  readonly leaf: JsonObject
  readonly statement: string | undefined
}

interface KeptOperation {
  readonly text: string
  /** Absent when there was no room for it: it is parsed again then. */
  readonly leaf: JsonObject | undefined
  readonly statement: string | undefined
}

/** The operations that have not ended, in their order. They take little more memory than their records in the log. */
export class OpenOperations {
  readonly #kept = new Map<number, KeptOperation>()
  #parsed = 0

  get count(): number {
    return this.#kept.size
  }

  add(record: number, { text, leaf }: ParsedRecord, statement: string | undefined): void {
    const hasRoom = this.#parsed + text.length <= MAX_PARSED
    if (hasRoom) this.#parsed += text.length
    this.#kept.set(record, { text, leaf: hasRoom ? leaf : undefined, statement: shownStatement(statement) })
  }

  /** Takes one out; undefined when it is not open. */
  take(record: number): OpenOperation | undefined {
    const kept = this.#kept.get(record)
    if (kept === undefined) return undefined
    this.#kept.delete(record)
    if (kept.leaf !== undefined) this.#parsed -= kept.text.length
    return opened(kept)
  }

  /** All of them, one at a time. */
  *[Symbol.iterator](): Generator<readonly [record: number, operation: OpenOperation]> {
    for (const [record, kept] of this.#kept) yield [record, opened(kept)]
  }
}

function opened({ text, leaf, statement }: KeptOperation): OpenOperation {
  return { leaf: leaf ?? (JSON.parse(text) as JsonObject), statement }
}
