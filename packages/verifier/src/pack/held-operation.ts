import { encodeHex, encodeUtf8 } from '../bytes.ts'
import { sha256 } from '../sha256.ts'
import { countAt, type JsonObject, textAt, textsAt, valueAt } from './members.ts'

/** What makes an operation that one and no other, as far as its intent and its disclosed payload say it. */
export interface HeldOperation {
  readonly requester: string | null
  readonly template: string | null
  readonly decision: {
    readonly need: string | null
    readonly policies: readonly string[]
    readonly hash: string | null
  }
  /** Who, through what, on what, how: equal texts are the same. */
  readonly parts: string
  readonly tool: string | null
  readonly fingerprint: string | null
  /** SHA-256 of the disclosed payload. */
  readonly payloadSha256: string | undefined
}

/** What is read of an intent of which the record of what was held, or of what ran, is to be compared. */
export function heldOperation(leaf: JsonObject, payload: string | undefined): HeldOperation {
  return {
    requester: textAt(leaf, 'actor', 'user', 'uid'),
    template: textAt(leaf, 'query_info', 'query_string') ?? textAt(leaf, 'unmapped', 'template'),
    decision: {
      need: isCut(leaf, 'need') ? null : textAt(leaf, 'unmapped', 'decision', 'need'),
      policies: textsAt(leaf, 'unmapped', 'decision', 'policies'),
      hash: textAt(leaf, 'unmapped', 'decision', 'policy_hash'),
    },
    parts: JSON.stringify([
      textAt(leaf, 'actor', 'user', 'uid'),
      textAt(leaf, 'actor', 'user', 'type'),
      textAt(leaf, 'actor', 'app_uid'),
      textAt(leaf, 'unmapped', 'via', 'server'),
      textAt(leaf, 'dst_endpoint', 'svc_name'),
      textAt(leaf, 'unmapped', 'verb'),
      textAt(leaf, 'api', 'operation'),
      textAt(leaf, 'unmapped', 'definition'),
      countAt(leaf, 'unmapped', 'payload', 'size'),
    ]),
    tool: textAt(leaf, 'unmapped', 'via', 'tool'),
    fingerprint: textAt(leaf, 'query_info', 'uid') ?? textAt(leaf, 'unmapped', 'fingerprint'),
    payloadSha256: payload === undefined ? undefined : encodeHex(sha256(encodeUtf8(payload))),
  }
}

/** Whether one is another operation than the other. What only one of the two says is not compared. */
export function isAnotherOperation(held: HeldOperation, ran: HeldOperation): boolean {
  if (held.parts !== ran.parts) return true
  // Through which tool is on record where it is certain.
  if (held.tool !== null && ran.tool !== null && held.tool !== ran.tool) return true
  // Under another policy other names may be known, and a template leaves out those that are not.
  if (held.decision.hash === ran.decision.hash && held.fingerprint !== ran.fingerprint) return true
  const areDisclosed = held.payloadSha256 !== undefined && ran.payloadSha256 !== undefined
  return areDisclosed && held.payloadSha256 !== ran.payloadSha256
}

/** Whether a part of a record was cut to keep it within its bound. */
export function isCut(leaf: JsonObject, part: string): boolean {
  const truncated = valueAt(leaf, 'unmapped', 'truncated')
  return Array.isArray(truncated) && truncated.includes(part)
}
