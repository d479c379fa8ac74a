import { canonicalJson, type JsonObject } from '#base'
import { capList, LEAF_BOUNDS } from './bounds.ts'
import type { LinkFacts, LinkPart } from './link-facts.ts'

/** What the links of an intent contribute to its leaf, as text. */
export interface LinkText {
  readonly approval: string
  readonly causedBy: string
  /** `unmapped.via.tool`, with the comma before it. */
  readonly tool: string
  readonly truncated: readonly LinkPart[]
}

const NO_LINK_TEXT: LinkText = { approval: '', causedBy: '', tool: '', truncated: [] }

/**
 * Writes out what links contribute. Other records are named by log and number.
 *
 * @param links as the entry holds them: the frame that it lay in was sealed by us, so they have the form that the write side gave them.
 */
export function linkText(links: Uint8Array, origin: string): LinkText {
  if (links.length === 0) return NO_LINK_TEXT
  const facts = JSON.parse(Buffer.from(links).toString('utf8')) as LinkFacts
  const truncated = new Set(facts.truncated)
  return {
    approval: approvalText(facts.approval, origin, truncated),
    causedBy: causeText(facts, origin, truncated),
    tool: facts.tool === undefined ? '' : `,"tool":${canonicalJson(facts.tool)}`,
    truncated: [...truncated],
  }
}

function approvalText(approval: LinkFacts['approval'], origin: string, truncated: Set<LinkPart>): string {
  if (approval === undefined) return ''
  const records = references(approval.records, origin, LEAF_BOUNDS.approvalRecords)
  if (records.length < approval.records.length) truncated.add('approval')
  return `"approval":${canonicalJson({ ...approval, records })},`
}

function causeText({ cause, calls = [] }: LinkFacts, origin: string, truncated: Set<LinkPart>): string {
  if (cause === undefined) return ''
  const records = references(calls, origin, LEAF_BOUNDS.causedBy)
  if (records.length < calls.length) truncated.add('caused_by')
  return `"caused_by":${canonicalJson({ kind: cause, records })},`
}

/** As many as fit: how long one is depends on the origin. */
function references(numbers: readonly number[], origin: string, maxBytes: number): readonly JsonObject[] {
  return capList(
    numbers.map((index) => ({ index, origin })),
    maxBytes,
  )
}
