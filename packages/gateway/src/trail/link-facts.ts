import { canonicalJson } from '#base'
import type { ApprovalLink, IntentEntry, RecordedVia } from '#model'
import { capList, LEAF_BOUNDS } from './bounds.ts'
import { NO_LINKS } from './entry.ts'
import { invalidRecord, requireCount, requireName } from './requirements.ts'

/** What one operation has beyond its session and its shape: the tool call behind it, and the approval it runs under. As its entry holds it. */
export type LinkFacts = {
  readonly approval?: ApprovalFacts
  /** Numbers of the calls that may have caused it. */
  readonly calls?: readonly number[]
  readonly cause?: RecordedVia['cause']
  readonly tool?: string
  readonly truncated?: readonly LinkPart[]
}

type ApprovalFacts = {
  readonly approvers: readonly string[]
  readonly binding: string
  readonly records: readonly number[]
  readonly request: string
}

/** A list that can be cut. */
export type LinkPart = 'approval' | 'approvers' | 'caused_by'

/** More records than a leaf has room to name. */
const MAX_REFERENCES = 64

/**
 * The links of an intent as its entry holds them; nothing, at no cost, when it has none.
 *
 * @throws {GatewayError} `SP_TRAIL_UNAVAILABLE` for a way that is not the session's, or a cause that contradicts its calls.
 */
export function encodeLinks({ via, approval, session }: IntentEntry): Uint8Array {
  if (via === undefined && approval === undefined) return NO_LINKS
  const truncated: LinkPart[] = []
  const facts: LinkFacts = {
    ...(approval === undefined ? {} : { approval: approvalFacts(approval, truncated) }),
    ...(via === undefined ? {} : viaFacts(via, session, truncated)),
  }
  return Buffer.from(canonicalJson(truncated.length === 0 ? facts : { ...facts, truncated }))
}

/** Where the trail's numbers of earlier records point: a call comes before what it causes, a request before what it permits. */
function viaFacts(via: RecordedVia, session: IntentEntry['session'], truncated: LinkPart[]): Partial<LinkFacts> {
  const { server, childId, tool, cause, calls } = via
  if (server !== session.via?.server || childId !== session.via.childId) throw invalidRecord('unmapped.via')
  const isSound =
    cause === 'exact' ? calls.length === 1 && tool !== undefined : (cause === 'none') === (calls.length === 0)
  if (!isSound) throw invalidRecord('unmapped.caused_by')
  return {
    calls: references(calls, 'caused_by', truncated),
    cause,
    ...(tool === undefined ? {} : { tool: requireName(tool, 'unmapped.via.tool') }),
  }
}

function approvalFacts({ request, records, approvers, binding }: ApprovalLink, truncated: LinkPart[]): ApprovalFacts {
  const ids = approvers.map((id) => requireName(id, 'unmapped.approval.approvers'))
  const kept = capList(ids, LEAF_BOUNDS.approvers)
  if (kept.length < ids.length) truncated.push('approvers')
  return {
    approvers: kept,
    binding: requireName(binding, 'unmapped.approval.binding'),
    records: references(records, 'approval', truncated),
    request: requireName(request, 'unmapped.approval.request'),
  }
}

function references(numbers: readonly number[], part: LinkPart, truncated: LinkPart[]): readonly number[] {
  if (numbers.length > MAX_REFERENCES) truncated.push(part)
  return numbers.slice(0, MAX_REFERENCES).map((number) => requireCount(number, `unmapped.${part}.records`))
}
