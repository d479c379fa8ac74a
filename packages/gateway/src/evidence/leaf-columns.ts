import type { JsonObject } from '#base'
import { integer, list, member, text } from './leaf-members.ts'

/** What the index keeps of a record, to find it by (`docs/spec/record.md`, "Paths to query by"). */
export interface LeafColumns {
  readonly time: number
  readonly phase: string
  readonly actor: string | null
  readonly agent: string | null
  readonly agentName: string | null
  readonly session: string | null
  readonly resource: string | null
  readonly verb: string | null
  readonly decision: string | null
  /** The intent's number, for an outcome. */
  readonly intent: number | null
  /** The MCP server that is called or in between. */
  readonly server: string | null
  readonly tool: string | null
  /** The reference of the request for approval that it is about or ran under. */
  readonly approval: string | null
  /** Numbers of the calls that may have caused it. */
  readonly calls: readonly number[]
}

/** Reads the columns out of a leaf; what is not there is null. */
export function leafColumns(leaf: JsonObject): LeafColumns {
  const unmapped = leaf['unmapped']
  const phase = text(member(unmapped, 'phase')) ?? 'event'
  const resource = text(member(leaf['dst_endpoint'], 'svc_name'))
  const verb = text(member(unmapped, 'verb'))
  // An event has `api` too: what was asked of the boundary itself.
  const api = phase === 'event' ? undefined : leaf['api']
  return {
    time: integer(leaf['time']) ?? 0,
    phase,
    actor: text(member(member(leaf['actor'], 'user'), 'uid')),
    agent: text(member(leaf['actor'], 'app_uid')),
    agentName: text(member(leaf['actor'], 'app_name')),
    session: text(member(member(leaf['actor'], 'session'), 'uid')),
    resource,
    verb,
    decision: text(member(member(unmapped, 'decision'), 'outcome')),
    intent: integer(member(unmapped, 'intent')),
    server: text(member(member(unmapped, 'via'), 'server')) ?? (api === undefined ? null : resource),
    tool: text(member(member(unmapped, 'via'), 'tool')) ?? (verb === CALL ? text(member(api, 'operation')) : null),
    approval: text(member(member(unmapped, 'approval'), 'request')) ?? requestOf(leaf),
    calls: causes(unmapped),
  }
}

/** The verb of a tool call; of other methods of an MCP server `api.operation` is the method. */
const CALL = 'tools/call'

function requestOf(leaf: JsonObject): string | null {
  const { entity } = leaf
  return member(entity, 'type') === 'request' ? text(member(entity, 'uid')) : null
}

/** Of this log: a node has one, and a child belongs to the node that started it. */
function causes(unmapped: unknown): readonly number[] {
  const records = list(member(member(unmapped, 'caused_by'), 'records'))
  return records.flatMap((record) => integer(member(record, 'index')) ?? [])
}
