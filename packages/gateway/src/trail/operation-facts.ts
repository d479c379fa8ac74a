import type { JsonObject } from '#base'
import type { Access, DecidedShape, Decision, Resource, Scrubber, Session, Shape } from '#model'
import { actorFacts } from './actor-facts.ts'
import { capList, capText, LEAF_BOUNDS } from './bounds.ts'
import { invalidRecord, requireCount, requireName, requireText } from './requirements.ts'
import { activityOfVerb } from './verbs.ts'

// These three are written as JSON, so they are type aliases: an interface has no implicit index signature.

/** What all operations of one session have in common; the body of a context definition. */
export type ContextFacts = {
  readonly actor: JsonObject
  readonly client_tls: boolean
  readonly grant_id: string
  readonly protocol: string
  readonly resource: string
  readonly src_endpoint: { readonly ip: string; readonly port: number }
  readonly truncated: readonly string[]
  readonly via?: SessionVia
  readonly zone?: string
}

/** `unmapped.via` as far as it is the session's. */
export type SessionVia = { readonly child: string; readonly server: string }

/** What all operations of one shape under one decision have in common; the body of a shape definition. */
export type ShapeFacts = {
  readonly accesses: readonly JsonObject[]
  readonly activity_id: number
  /** Asked of an MCP server: its record is API Activity. Else it is a statement, and Datastore Activity. */
  readonly call?: CallFacts
  readonly decision: DecisionFacts
  readonly fingerprint: string
  readonly incomplete?: string
  readonly template: string
  readonly truncated: readonly string[]
  readonly verb: string
}

/** What is called. */
export type CallFacts = {
  /** Hash of the tool's pinned definition. */
  readonly definition?: string
  /** The tool; of other methods the method itself. */
  readonly operation: string
}

/** `unmapped.decision` of a leaf. */
type DecisionFacts = {
  readonly code?: string
  readonly need?: string
  readonly outcome: Decision['outcome']
  readonly policies: readonly string[]
  readonly policy_hash: string
  readonly reason?: string
}

/** What a session contributes to the records of its operations. @throws {GatewayError} `SP_TRAIL_UNAVAILABLE` */
export function contextFacts(session: Session, scrubber: Scrubber): ContextFacts {
  const { actor, truncated } = actorFacts(session.identity, session, scrubber)
  const { resource, client } = session
  const port = requireCount(client.port, 'src_endpoint.port')
  if (port > 65_535) throw invalidRecord('src_endpoint.port')
  return {
    actor,
    client_tls: client.tls,
    grant_id: requireName(session.grantId, 'unmapped.grant_id'),
    protocol: resource.kind,
    resource: requireName(resource.name, 'dst_endpoint.svc_name'),
    src_endpoint: { ip: requireName(client.address, 'src_endpoint.ip'), port },
    truncated,
    ...(session.via === undefined ? {} : { via: sessionVia(session.via) }),
    ...(resource.zone === undefined ? {} : { zone: requireName(resource.zone, 'unmapped.zone') }),
  }
}

/** The MCP server through which a session comes, as its records say it. @throws {GatewayError} `SP_TRAIL_UNAVAILABLE` */
export function sessionVia({ server, childId }: { readonly server: string; readonly childId: string }): SessionVia {
  return { child: requireName(childId, 'unmapped.via.child'), server: requireName(server, 'unmapped.via.server') }
}

/** What a decided shape contributes to the records of its operations. @throws {GatewayError} `SP_TRAIL_UNAVAILABLE` */
export function shapeFacts(
  { shape, decision }: DecidedShape,
  resourceKind: Resource['kind'],
  scrubber: Scrubber,
): ShapeFacts {
  const cut = new TextCutter(scrubber)
  const verb = requireName(shape.verb, 'unmapped.verb')
  const accesses = shape.accesses.map((access) => accessFacts(access, scrubber))
  return {
    accesses: cut.list('accesses', accesses),
    activity_id: activityOfVerb(verb, resourceKind),
    ...(resourceKind === 'mcp' ? { call: callFacts(shape, verb, cut) } : {}),
    decision: decisionFacts(decision, cut),
    fingerprint: requireName(shape.fingerprint, 'query_info.uid'),
    ...(shape.incomplete === undefined ? {} : { incomplete: cut.text('incomplete', shape.incomplete) }),
    template: cut.text('template', shape.template),
    verb,
    truncated: cut.truncated,
  }
}

/** The name of a tool is text that a client wrote, until policy has said that there is such a tool. */
function callFacts({ accesses, definition }: Shape, verb: string, cut: TextCutter): CallFacts {
  const tool = accesses.find(({ effect }) => effect === 'callTool')?.object
  const name = tool?.kind === 'tool' && tool.name !== '' ? tool.name : verb
  return {
    ...(definition === undefined ? {} : { definition: requireName(definition, 'unmapped.definition') }),
    operation: cut.text('operation', name),
  }
}

function decisionFacts(decision: Decision, cut: TextCutter): DecisionFacts {
  const code = codeOf(decision)
  return {
    ...(code === undefined ? {} : { code }),
    ...(decision.need === undefined ? {} : { need: cut.text('need', decision.need) }),
    outcome: decision.outcome,
    policies: cut.list(
      'policies',
      decision.policies.map((id) => requireText(id, 'unmapped.decision.policies')),
    ),
    policy_hash: requireName(decision.policyHash, 'unmapped.decision.policy_hash'),
    ...(decision.reason === undefined ? {} : { reason: cut.text('reason', decision.reason) }),
  }
}

function codeOf(decision: Decision): string | undefined {
  switch (decision.outcome) {
    case 'allow':
      return undefined
    case 'deny':
      return decision.code ?? 'SP_POLICY_DENIED'
    case 'hold':
      return 'SP_POLICY_NEEDS_APPROVAL'
    default:
      return decision.outcome satisfies never
  }
}

function accessFacts(access: Access, scrubber: Scrubber): JsonObject {
  const object: Record<string, string> = { kind: access.object.kind }
  if ('schema' in access.object) object['schema'] = scrubName(access.object.schema, scrubber)
  if ('name' in access.object) object['name'] = scrubName(access.object.name, scrubber)
  return {
    ...columnFacts('columns', access.columns, scrubber),
    ...columnFacts('computed', access.computed, scrubber),
    effect: access.effect,
    object,
    ...columnFacts('unnamed', access.unnamed, scrubber),
  }
}

function columnFacts(
  part: 'columns' | 'computed' | 'unnamed',
  given: Access['computed'],
  scrubber: Scrubber,
): JsonObject {
  if (given === undefined) return {}
  return { [part]: given === '*' ? given : given.map((column) => scrubName(column, scrubber)) }
}

/** Identifiers of a statement are text that a person wrote: a quoted name can be a card number. */
function scrubName(name: string, scrubber: Scrubber): string {
  return scrubber.scrubText(requireText(name, 'unmapped.accesses'))
}

/** Scrubs and cuts, and keeps account of what was cut. */
class TextCutter {
  readonly truncated: string[] = []
  readonly #scrubber: Scrubber

  constructor(scrubber: Scrubber) {
    this.#scrubber = scrubber
  }

  text(part: 'template' | 'reason' | 'incomplete' | 'need' | 'operation', value: string): string {
    const whole = this.#scrubber.scrubText(requireText(value, `unmapped.${part}`))
    const cut = capText(whole, LEAF_BOUNDS[part])
    if (cut.length < whole.length) this.truncated.push(part)
    return cut
  }

  list<T extends JsonObject | string>(part: 'accesses' | 'policies', items: readonly T[]): readonly T[] {
    const cut = capList(items, LEAF_BOUNDS[part])
    if (cut.length < items.length) this.truncated.push(part)
    return cut
  }
}
