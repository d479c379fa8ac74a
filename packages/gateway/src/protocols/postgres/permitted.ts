import { createHash, type Hash } from 'node:crypto'
import type { Bytes, Clock } from '#base'
import type { MaskedColumn, MaskingSummary, OpenSession, Outcome, OutcomeStatus, Permit } from '#model'

/** Something that knows what was masked in it. */
export interface Masked {
  summary(): MaskingSummary | undefined
}

/**
 * A permitted operation on its way: counts the messages that concern it and are not answered yet, adds up what the client received, and
 * hands the outcome over exactly once, when nothing is awaited any more.
 */
export class PermittedOperation {
  readonly permit: Permit
  readonly #ledger: PermitLedger
  /** One for whoever is sending it, until `release`. */
  #awaited = 1
  #wasSent = false
  #status: OutcomeStatus | undefined
  #errorCode: string | undefined
  #rows = 0
  #bytes = 0
  #hash: Hash | undefined
  readonly #results: Masked[] = []
  #isConcluded = false

  /** For `PermitLedger` alone. */
  constructor(permit: Permit, ledger: PermitLedger) {
    this.permit = permit
    this.#ledger = ledger
  }

  /** One more message of it went out and is about to be answered. */
  expect(): void {
    this.#wasSent = true
    this.#awaited++
  }

  /** Everything of it that goes out has gone. */
  release(): void {
    if (!this.#wasSent && this.#status === undefined) this.#setStatus('skipped', undefined)
    this.#settle()
  }

  /** The client was sent whole rows: `buffer[start]`…`buffer[end - 1]`, exactly as it received them. */
  received(buffer: Bytes, start: number, end: number, rows: number): void {
    this.#rows += rows
    this.#bytes += end - start
    this.#hash ??= createHash('sha256')
    this.#hash.update(buffer.subarray(start, end))
  }

  /** Rows that a statement without a result changed. */
  changed(rows: number): void {
    this.#rows += rows
  }

  /** A result of it begins: what is masked in it by the end is part of the outcome, whatever the end. */
  sees(result: Masked): void {
    this.#results.push(result)
  }

  /** One message was answered, and well. */
  answered(): void {
    this.#settle()
  }

  /** One message was answered with an error; the first one counts. */
  failed(status: 'error' | 'cancelled', errorCode: string): void {
    if (this.#status === undefined || this.#status === 'skipped') this.#setStatus(status, errorCode)
    this.#settle()
  }

  /** One message will never be answered: the server skips it. */
  skipped(): void {
    if (this.#status === undefined) this.#setStatus('skipped', undefined)
    this.#settle()
  }

  /** The rest of it is not sent, though permitted: the client asked for it in a way that is not passed on. */
  refused(errorCode: string): void {
    if (this.#status === undefined) this.#setStatus('skipped', errorCode)
  }

  /** Its result was withheld; further answers for it may come. */
  withheld(errorCode: string): void {
    if (this.#status !== 'masking-refused') this.#setStatus('masking-refused', errorCode)
  }

  /** Nothing will come any more. */
  conclude(status: OutcomeStatus): void {
    if (this.#status === undefined) this.#setStatus(status, undefined)
    this.#finish()
  }

  #setStatus(status: OutcomeStatus, errorCode: string | undefined): void {
    this.#status = status
    this.#errorCode = errorCode
  }

  #settle(): void {
    this.#awaited--
    if (this.#awaited <= 0) this.#finish()
  }

  #finish(): void {
    if (this.#isConcluded) return
    this.#isConcluded = true
    this.#ledger.conclude(this, this.#outcome())
  }

  #outcome(): Omit<Outcome, 'durationMs'> {
    const masking = this.#results.flatMap((result) => result.summary() ?? []).reduce(mergeSummaries, undefined)
    return {
      status: this.#status ?? 'success',
      rows: this.#rows,
      bytes: this.#bytes,
      ...(this.#errorCode === undefined ? {} : { errorCode: this.#errorCode }),
      ...(this.#hash === undefined ? {} : { digest: this.#hash.digest('hex') }),
      ...(masking === undefined ? {} : { masking }),
    }
  }
}

/** The permits of one session that have no outcome yet: none is forgotten, whatever way the session ends. */
export class PermitLedger {
  readonly #open = new Set<PermittedOperation>()
  readonly #session: OpenSession
  readonly #clock: Clock

  constructor(session: OpenSession, clock: Clock) {
    this.#session = session
    this.#clock = clock
  }

  /** Takes charge of a permit. */
  enter(permit: Permit): PermittedOperation {
    const operation = new PermittedOperation(permit, this)
    this.#open.add(operation)
    return operation
  }

  /** For `PermittedOperation` alone. */
  conclude(operation: PermittedOperation, outcome: Omit<Outcome, 'durationMs'>): void {
    this.#open.delete(operation)
    const durationMs = Math.max(0, Math.round(this.#clock.monotonicMs() - operation.permit.admittedAtMonotonicMs))
    this.#session.complete(operation.permit, { ...outcome, durationMs })
  }

  /** The session is over: what has no outcome was lost, as far as the boundary saw. */
  concludeAll(status: 'lost' | 'cancelled'): void {
    for (const operation of this.#open) operation.conclude(status)
  }
}

/** Adds up the masking of several results of one operation (fetches from a portal). */
function mergeSummaries(first: MaskingSummary | undefined, second: MaskingSummary): MaskingSummary {
  if (first === undefined) return second
  const columns = new Map<string, MaskedColumn>()
  for (const column of [...first.columns, ...second.columns]) {
    const key = `${column.rule}\0${column.name}`
    const before = columns.get(key)
    const seen = column.seen + (before?.seen ?? 0)
    columns.set(key, { ...column, seen, masked: column.masked + (before?.masked ?? 0) })
  }
  return { ruleset: second.ruleset, columns: [...columns.values()] }
}
