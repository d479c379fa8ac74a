import type { Explain } from '#api'
import type { Clock, JsonObject } from '#base'
import type { Access, BoundaryAction, ClientAddress, Identity, ViaFacts } from '#model'
import { type ExplainedThing, formatExplanation, type LoadedPolicy } from '#policy'

/**
 * Explains recorded decisions from the record itself: who asked, what, under which policy; then what the policy in force now would say and
 * which permits nearly matched.
 */
export function createExplain(policy: () => LoadedPolicy, clock: Clock): Explain {
  return {
    explain: (row, full) => {
      const decision = recordedDecision(row.leaf)
      const what = askedThing(row.leaf)
      if (what === undefined) return decision.lines
      const now = policy()
      const audience = full ? 'owner' : 'caller'
      const explanation = now.explain({
        identity: actor(row.leaf),
        what,
        nowMs: clock.nowMs(),
        client: client(row.leaf),
        audience,
      })
      const same = decision.policyHash === now.hash
      return [
        ...decision.lines,
        same
          ? 'the policy then is the policy in force now; check by check:'
          : 'the policy has changed since; the one in force now says:',
        ...notes(row.leaf),
        ...formatExplanation(explanation),
      ]
    },
  }
}

/** What the record says of its decision. */
function recordedDecision(leaf: JsonObject): { readonly lines: readonly string[]; readonly policyHash: string } {
  const unmapped = object(leaf['unmapped'])
  const decision = object(unmapped['decision'] ?? unmapped['details'])
  const outcome = text(decision['outcome'] ?? decision['decision']) ?? 'no decision'
  const policies = list(decision['policies']).map(String).join(', ')
  const reason = text(unmapped['incomplete']) ?? text(decision['reason']) ?? text(leaf['status_detail'])
  const policyHash = text(decision['policy_hash']) ?? ''
  const lines = [
    `${outcome}${reason === undefined ? '' : `: ${reason}`}`,
    ...(policies === '' ? [] : [`by ${policies}`]),
    ...(policyHash === '' ? [] : [`under policy ${policyHash.slice(0, 12)}`]),
  ]
  return { lines, policyHash }
}

/** What the question that can be asked again leaves out. */
function notes(leaf: JsonObject): readonly string[] {
  const unmapped = object(leaf['unmapped'])
  const hasArguments = list(unmapped['accesses']).some((access) => object(access)['effect'] === 'callTool')
  const wasApproved = unmapped['approval'] !== undefined
  return [
    ...(hasArguments
      ? ['  (without its arguments, which are not opened for this: what depends on them cannot be told)']
      : []),
    ...(wasApproved ? ['  (as if nobody had approved it)'] : []),
  ]
}

/** The MCP server through which it came, and the tool where that is certain. */
function via(leaf: JsonObject): { readonly via?: ViaFacts } {
  const { server, tool } = object(object(leaf['unmapped'])['via'])
  if (typeof server !== 'string') return {}
  return { via: typeof tool === 'string' ? { server, tool } : { server } }
}

/** The question that was asked, when it can be asked again. */
function askedThing(leaf: JsonObject): ExplainedThing | undefined {
  const unmapped = object(leaf['unmapped'])
  const resource = text(object(leaf['dst_endpoint'])['svc_name'])
  const action = text(object(unmapped['details'])['action'])
  if (action !== undefined) return { kind: 'boundary', action: action as BoundaryAction }
  if (resource === undefined) return undefined
  if (unmapped['phase'] === 'intent') {
    // The record was written by this boundary and its shape is checked at write (docs/spec/record.schema.json).
    const accesses = list(unmapped['accesses']) as unknown as readonly Access[]
    return { kind: 'statement', resource, accesses, isIncomplete: unmapped['incomplete'] !== undefined, ...via(leaf) }
  }
  return unmapped['activity'] === 'open' ? { kind: 'connect', resource, ...via(leaf) } : undefined
}

/** The actor as policy sees it: id, kind, groups, factors. Name and subject take no part in decisions and are not in the record. */
function actor(leaf: JsonObject): Identity {
  const user = object(object(leaf['actor'])['user'])
  const session = object(object(leaf['actor'])['session'])
  const groups = list(user['groups']).flatMap((group) => text(object(group)['name']) ?? [])
  const common = { id: text(user['uid']) ?? 'n/a', issuer: '', subject: '', name: '', groups }
  const agentId = text(object(leaf['actor'])['app_uid'])
  const agent = agentId === undefined ? {} : { agent: { id: agentId, name: agentId } }
  if (user['type'] === 'workload') return { ...common, kind: 'workload', mfa: false }
  return { ...common, kind: 'person', mfa: session['is_mfa'] === true, ...agent }
}

/** Where the request came from, as the record has it. */
function client(leaf: JsonObject): ClientAddress {
  const { ip, port } = object(leaf['src_endpoint'])
  return {
    address: text(ip) ?? '',
    port: typeof port === 'number' ? port : 0,
    tls: object(leaf['unmapped'])['client_tls'] === true,
  }
}

function object(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {}
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
