import { ACCESS_LOG, type Operation } from './access-log.ts'
import { APPROVAL_CHECKS, type ApprovalCheck } from './approval-checks.ts'
import { APPROVALS } from './approval-table.ts'
import { Approvals } from './approvals.ts'
import { type AskingPolicies, NO_POLICY } from './asking-policies.ts'
import { COMPLETENESS, Completeness, type PackCrash, type PackGap, type Statistic } from './completeness.ts'
import { ACCESS_EVENTS, isControlChange, isTrailRecord, POLICY_HISTORY, TRAIL_RECORDS } from './event-tables.ts'
import { MASKING } from './masking-table.ts'
import { countAt, type JsonObject, listAt, textAt } from './members.ts'
import { OpenOperations, type ParsedRecord } from './open-operations.ts'
import type { Roster } from './roster.ts'
import { STATEMENTS } from './statements.ts'
import { type RowText, RowWriter, type TableDefinition } from './table.ts'

/** The tables that follow from the records alone (and names, disclosed payloads and policy, which lie in the pack). */
export const RECORD_TABLES: readonly TableDefinition[] = [
  ACCESS_LOG,
  ACCESS_EVENTS,
  STATEMENTS,
  POLICY_HISTORY,
  APPROVALS,
  APPROVAL_CHECKS,
  TRAIL_RECORDS,
  COMPLETENESS,
  MASKING,
]

/** What was counted over all records of a pack. */
export interface PackStatement {
  readonly completeness: readonly Statistic[]
  readonly checks: readonly ApprovalCheck[]
  /** Gaps that the trail declares; the first hundred. */
  readonly gaps: readonly PackGap[]
  /** Ends of the gateway that it did not record; the first hundred. */
  readonly crashes: readonly PackCrash[]
}

/** Where rows go: the builder writes them, the verifier compares them. */
export interface RowSink {
  /** @param record the record that the row rests on first, when it rests on one. */
  row(table: string, text: RowText, record: number | undefined): void
}

/**
 * The rules of the tables: records in, rows out. Builder and verifier run the same ones, so a table that says something
 * else than its records is found by writing it again.
 *
 * It keeps the operations that have not ended and what is read of the requests for approvals, nothing else.
 */
export class PackTables {
  readonly #sink: RowSink
  readonly #roster: Roster
  readonly #open = new OpenOperations()
  readonly #approvals: Approvals
  readonly #completeness = new Completeness()
  readonly #log = new RowWriter(ACCESS_LOG)
  readonly #events = new RowWriter(ACCESS_EVENTS)
  readonly #statements = new RowWriter(STATEMENTS)
  readonly #policy = new RowWriter(POLICY_HISTORY)
  readonly #trail = new RowWriter(TRAIL_RECORDS)
  readonly #masking = new RowWriter(MASKING)

  /** @param asking the policy that the pack holds: which of its policies ask for an approval. */
  constructor(roster: Roster, sink: RowSink, asking: AskingPolicies = NO_POLICY) {
    this.#roster = roster
    this.#sink = sink
    this.#approvals = new Approvals(asking)
  }

  /**
   * Takes the next record.
   *
   * @param statement its payload, opened, when it is disclosed.
   */
  take(record: number, parsed: ParsedRecord, statement?: string): void {
    const { leaf } = parsed
    this.#completeness.take(record, leaf)
    switch (textAt(leaf, 'unmapped', 'phase')) {
      case 'intent':
        this.#takeIntent(record, parsed, statement)
        return
      case 'outcome':
        this.#takeOutcome(record, leaf)
        return
      default:
        this.#takeEvent(record, leaf)
    }
  }

  /** Writes what could only be written at the end; gives what it counted. */
  finish(): PackStatement {
    for (const [record, { leaf, statement }] of this.#open)
      this.#writeOperation({ record, intent: leaf, outcome: undefined, statement })
    const requests = new RowWriter(APPROVALS)
    for (const request of this.#approvals.requests)
      this.#write(APPROVALS, requests.row({ request, roster: this.#roster }), request.opened?.record ?? request.uses[0])
    const checks = new RowWriter(APPROVAL_CHECKS)
    for (const check of this.#approvals.checks) this.#write(APPROVAL_CHECKS, checks.row(check), check.records[0])
    const completeness = new RowWriter(COMPLETENESS)
    const { gaps, crashes } = this.#completeness
    const lines = this.#completeness.statement(this.#open.count)
    const statement = { completeness: lines, checks: this.#approvals.checks, gaps, crashes }
    for (const line of statement.completeness) this.#write(COMPLETENESS, completeness.row(line), undefined)
    return statement
  }

  #takeIntent(record: number, parsed: ParsedRecord, statement: string | undefined): void {
    this.#approvals.takeIntent(record, parsed.leaf, statement)
    if (statement !== undefined) this.#write(STATEMENTS, this.#statements.row({ record, text: statement }), record)
    this.#open.add(record, parsed, statement)
  }

  #takeOutcome(record: number, leaf: JsonObject): void {
    const intent = countAt(leaf, 'unmapped', 'intent') ?? -1
    const asked = this.#open.take(intent)
    if (asked === undefined) this.#completeness.noteEarlier()
    else this.#approvals.takeEnd({ record: intent, leaf: asked.leaf }, leaf)
    const outcome = { record, leaf }
    this.#writeOperation({ record: intent, intent: asked?.leaf, outcome, statement: asked?.statement })
    for (const column of listAt(leaf, 'unmapped', 'masking', 'columns'))
      this.#write(MASKING, this.#masking.row({ record, outcome: leaf, column, roster: this.#roster }), record)
  }

  #takeEvent(record: number, leaf: JsonObject): void {
    const event = { record, leaf, roster: this.#roster }
    this.#approvals.takeEvent(record, leaf)
    if (isTrailRecord(leaf)) this.#write(TRAIL_RECORDS, this.#trail.row(event), record)
    if (textAt(leaf, 'unmapped', 'lifecycle') === null) this.#write(ACCESS_EVENTS, this.#events.row(event), record)
    if (isControlChange(leaf)) this.#write(POLICY_HISTORY, this.#policy.row(event), record)
  }

  #writeOperation(operation: Omit<Operation, 'roster'>): void {
    this.#write(ACCESS_LOG, this.#log.row({ ...operation, roster: this.#roster }), operation.record)
  }

  #write(table: Pick<TableDefinition, 'name'>, text: RowText, record: number | undefined): void {
    this.#sink.row(table.name, text, record)
  }
}
