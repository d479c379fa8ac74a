import { type HeldOperation, isCut } from './held-operation.ts'
import { countAt, type JsonObject, listAt, textAt, textsAt } from './members.ts'

/*
 * Requests are kept until the last record, so of their records only what tables and checks read is kept: parsed, a record
 * can take twenty-five times its bytes.
 */

/** The record that a request was opened by. */
export interface Opening {
  readonly record: number
  readonly timeMs: number | null
  readonly requester: string | null
  readonly agent: string | null
  readonly viaServer: string | null
  readonly viaTool: string | null
  readonly resource: string | null
  readonly verb: string | null
  /** The number of the held operation's intent. */
  readonly intent: number | null
  readonly need: string | null
  readonly policies: readonly string[]
  readonly policyHash: string | null
  readonly binding: string | null
  readonly expiresMs: number | null
}

/** An answer to a request, or one that was refused. */
export interface Answer {
  readonly record: number
  readonly answer: 'approve' | 'deny'
  readonly timeMs: number | null
  /** The id of who answered. */
  readonly by: string
  /** Whether a person answered, not an agent for them. */
  readonly isPersonal: boolean
  /** The groups of the need that they were in. */
  readonly groups: readonly string[]
  /** Those of the groups that they are in by what the record says of them. */
  readonly ownGroups: readonly string[]
  /** Who had asked. */
  readonly requester: string | null
  /** What the answer makes of the request. */
  readonly makes: string | null
  readonly comment: string | null
  readonly isRefused: boolean
  /** Why it was refused. */
  readonly code: string | null
  /** What it repeats of its request. */
  readonly bound: string
}

/** A request for approval, as the records of the pack have it. */
export interface Request {
  readonly ref: string
  /** What the first record of its opening or of an answer says it is bound to: all of them repeat it. */
  bound: string | undefined
  /** Absent when it was opened before the pack. */
  opened: Opening | undefined
  /** The operation that was held; absent when its record lies before the pack. */
  held: HeldOperation | undefined
  /** What was asked exactly, as far as it is shown; absent unless it is disclosed. */
  statement: string | undefined
  readonly answers: Answer[]
  expired: number | undefined
  withdrawn: number | undefined
  /** The operations that ran under it. */
  readonly uses: number[]
}

/** OCSF `status_id`. */
const SUCCESS = 1

/** Reads a record that opens a request. */
export function openingOf(record: number, leaf: JsonObject): Opening {
  const detail = (name: string): string | null => textAt(leaf, 'unmapped', 'details', name)
  return {
    record,
    timeMs: countAt(leaf, 'time'),
    requester: textAt(leaf, 'actor', 'user', 'uid'),
    agent: textAt(leaf, 'actor', 'app_name'),
    viaServer: detail('via_server'),
    viaTool: detail('via_tool'),
    resource: textAt(leaf, 'dst_endpoint', 'svc_name'),
    verb: detail('verb'),
    intent: countAt(leaf, 'unmapped', 'details', 'intent'),
    need: detail('need'),
    policies: textsAt(leaf, 'unmapped', 'details', 'policies'),
    policyHash: detail('policy_hash'),
    binding: detail('binding'),
    expiresMs: countAt(leaf, 'unmapped', 'details', 'expires'),
  }
}

/** Reads a record of an answer. */
export function answerOf(record: number, answer: Answer['answer'], leaf: JsonObject): Answer {
  const groups = textsAt(leaf, 'unmapped', 'details', 'groups')
  return {
    record,
    answer,
    timeMs: countAt(leaf, 'time'),
    by: textAt(leaf, 'actor', 'user', 'uid') ?? '',
    isPersonal: textAt(leaf, 'actor', 'user', 'type') === 'person' && textAt(leaf, 'actor', 'app_uid') === null,
    groups,
    ownGroups: ownOf(leaf, groups),
    requester: textAt(leaf, 'unmapped', 'details', 'requester'),
    makes: textAt(leaf, 'unmapped', 'details', 'makes'),
    comment: textAt(leaf, 'comment'),
    isRefused: leaf['status_id'] !== SUCCESS,
    code: textAt(leaf, 'status_code'),
    bound: boundOf(leaf),
  }
}

/** What every record about a request repeats of it: equal texts are the same. */
export function boundOf(leaf: JsonObject): string {
  const detail = (name: string): string | number | null =>
    textAt(leaf, 'unmapped', 'details', name) ?? countAt(leaf, 'unmapped', 'details', name)
  return JSON.stringify(['binding', 'need', 'intent'].map(detail))
}

/** The answers that say yes and were taken. */
export function approvalsOf({ answers }: Request): readonly Answer[] {
  return answers.filter(({ answer, isRefused }) => answer === 'approve' && !isRefused)
}

/** Those of the groups that the actor of a record is in, by that record. */
function ownOf(leaf: JsonObject, groups: readonly string[]): readonly string[] {
  if (isCut(leaf, 'groups')) return groups
  const own = new Set(listAt(leaf, 'actor', 'user', 'groups').map((group) => textAt(group, 'name')))
  return groups.filter((group) => own.has(group))
}
