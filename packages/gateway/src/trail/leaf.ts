import { canonicalJson, type JsonObject } from '#base'
import type { PayloadCommitment } from '@sallyport/verifier'
import type { OutcomeStatus } from '#model'
import type { IntentRecordEntry, OutcomeRecordEntry, SystemRecordEntry } from './entry.ts'
import { truncatedFacts } from './event-facts.ts'
import { productFacts } from './lifecycle-facts.ts'
import { type LinkText, linkText } from './link-text.ts'
import type { CallFacts, ContextFacts, ShapeFacts } from './operation-facts.ts'
import { OTHER_ACTIVITY } from './verbs.ts'

/** The version of OCSF that leaves are written in. */
const OCSF_VERSION = '1.9.0'

/** OCSF Datastore Activity: a statement. */
export const DATASTORE_ACTIVITY = 6005
/** OCSF API Activity: a call of a tool, and whatever else an MCP server is asked. */
export const API_ACTIVITY = 6003

/** Where and by what a leaf was written: from the segment's header, for a leaf follows from its segment alone. */
export interface LeafOrigin {
  readonly origin: string
  readonly product: string
}

/**
 * The leaves of operations, as text in canonical form (RFC 8785): the members stand in the order in which `canonicalJson` would put them, and what a
 * session or a shape contributes is written once. A property test compares every kind of leaf with a library for RFC 8785.
 */
export class LeafWriter {
  readonly #intentMetadata: string
  readonly #metadata: string
  readonly #origin: LeafOrigin

  constructor(origin: LeafOrigin) {
    const log = canonicalJson(origin.origin)
    const product = canonicalJson(productFacts(origin.product))
    this.#metadata = `"metadata":{"log_name":${log},"product":${product},`
    this.#intentMetadata = `${this.#metadata}"profiles":["security_control"],`
    this.#origin = origin
  }

  /** The leaf of an intent. */
  intent(entry: IntentRecordEntry, context: ContextText, shape: ShapeText, payload: PayloadCommitment): string {
    const { alg, keyId, keySha256, sha256, size } = payload
    const links = linkText(entry.links, this.#origin.origin)
    const commitment = `{"alg":"${alg}","key_id":"${keyId}","key_sha256":"${keySha256}","sha256":"${sha256}","size":${size}}`
    return (
      `{"action_id":${shape.action},${shape.activity}"actor":${context.actor},${classText(context, shape)}` +
      `"disposition_id":${shape.action},${context.destination}${this.#intentMetadata}${sequenceOf(entry.index)}${shape.query}` +
      `"severity_id":${shape.severity},${context.source}${shape.status}"time":${Math.floor(entry.timeMs)},${shape.type}"unmapped":{` +
      `${shape.accesses}${links.approval}${links.causedBy}${context.client}${shape.decision}${shape.definition}${shape.fingerprint}` +
      `${context.grant}${shape.incomplete}"payload":${commitment},"phase":"intent",${context.protocol}${shape.template}` +
      `${truncatedText(context, shape, links)}${shape.verb}${viaText(context, links)}${context.zone}}}`
    )
  }

  /** The leaf of an outcome. */
  outcome(entry: OutcomeRecordEntry, context: ContextText, shape: ShapeText): string {
    const { status } = entry
    const extra = entry.extra.length === 0 ? NO_EXTRA : parseExtra(entry.extra)
    const code = extra.error_code === undefined ? '' : `"status_code":${canonicalJson(extra.error_code)},`
    const digest = entry.digest === undefined ? '' : `"digest":"${Buffer.from(entry.digest).toString('hex')}",`
    const masking = extra.masking === undefined ? '' : `"masking":${canonicalJson(extra.masking)},`
    const request = extra.request === undefined ? '' : `"request":${canonicalJson(extra.request)},`
    const truncated = extra.truncated === undefined ? '' : `"truncated":${canonicalJson(extra.truncated)},`
    return (
      `{${shape.activity}"actor":${context.outcomeActor},${classText(context, shape)}${context.destination}"duration":${entry.durationMs},` +
      `${this.#metadata}${sequenceOf(entry.index)}"severity_id":${SEVERITY[status]},${context.source}${code}"status_id":${STATUS_ID[status]},` +
      `"time":${Math.floor(entry.timeMs)},${shape.type}"unmapped":{"bytes":${entry.bytes},${digest}"intent":${entry.intent},${masking}` +
      `"phase":"outcome",${request}"rows":${entry.rows},"status":"${status}",${truncated}${shape.verb}}}`
    )
  }

  /** The leaf of a record whose facts its entry holds; returns them too. */
  system(entry: SystemRecordEntry): { readonly text: string; readonly facts: JsonObject } {
    const facts = JSON.parse(Buffer.from(entry.json).toString('utf8')) as JsonObject
    const { origin, product } = this.#origin
    const metadata = { log_name: origin, product: productFacts(product), sequence: entry.index, version: OCSF_VERSION }
    return { text: canonicalJson({ ...facts, metadata, time: Math.floor(entry.timeMs) }), facts }
  }
}

/** What a session contributes, as text. */
export interface ContextText {
  readonly actor: string
  readonly outcomeActor: string
  /** The name of the resource, quoted. */
  readonly resource: string
  readonly database: string
  readonly destination: string
  readonly source: string
  readonly client: string
  readonly grant: string
  readonly protocol: string
  /** What `unmapped.via` begins with; empty when nobody is in between. */
  readonly via: string
  readonly zone: string
  readonly facts: ContextFacts
}

/** What a decided shape contributes, as text. */
export interface ShapeText {
  /** `action_id` and `disposition_id`: 1 allowed, 2 denied or blocked. */
  readonly action: 1 | 2
  readonly activity: string
  /** What is called, quoted; empty for a statement. */
  readonly operation: string
  /** Where OCSF has a place for them: those of statements. */
  readonly query: string
  /** Where it has none: those of calls. */
  readonly template: string
  readonly fingerprint: string
  readonly definition: string
  readonly severity: number
  readonly status: string
  readonly type: string
  readonly accesses: string
  readonly decision: string
  readonly incomplete: string
  readonly verb: string
  readonly facts: ShapeFacts
}

/** Writes out what a context definition contributes. */
export function contextText(facts: ContextFacts): ContextText {
  const resource = canonicalJson(facts.resource)
  return {
    actor: canonicalJson(facts.actor),
    outcomeActor: canonicalJson(briefActor(facts)),
    resource,
    database: `"database":{"name":${resource},"type_id":1},`,
    destination: `"dst_endpoint":{"svc_name":${resource}},`,
    source: `"src_endpoint":${canonicalJson(facts.src_endpoint)},`,
    client: `"client_tls":${facts.client_tls},`,
    grant: `"grant_id":${canonicalJson(facts.grant_id)},`,
    protocol: `"protocol":${canonicalJson(facts.protocol)},`,
    via: facts.via === undefined ? '' : `,"via":${canonicalJson(facts.via).slice(0, -1)}`,
    zone: facts.zone === undefined ? '' : `,"zone":${canonicalJson(facts.zone)}`,
    facts,
  }
}

/** Writes out what a shape definition contributes. */
export function shapeText(facts: ShapeFacts): ShapeText {
  const { decision, activity_id: activityId } = facts
  const isAllowed = decision.outcome === 'allow'
  const name = activityId === OTHER_ACTIVITY ? `"activity_name":${canonicalJson(facts.verb)},` : ''
  const classUid = facts.call === undefined ? DATASTORE_ACTIVITY : API_ACTIVITY
  return {
    action: isAllowed ? 1 : 2,
    activity: `"activity_id":${activityId},${name}`,
    ...(facts.call === undefined ? statementText(facts) : callText(facts, facts.call)),
    severity: isAllowed ? 1 : 2,
    status: statusText(facts),
    type: `"type_uid":${classUid * 100 + activityId},`,
    accesses: `"accesses":${canonicalJson(facts.accesses)},`,
    decision: `"decision":${canonicalJson(decision)},`,
    incomplete: facts.incomplete === undefined ? '' : `"incomplete":${canonicalJson(facts.incomplete)},`,
    verb: `"verb":${canonicalJson(facts.verb)}`,
    facts,
  }
}

type AskedText = Pick<ShapeText, 'operation' | 'query' | 'template' | 'fingerprint' | 'definition'>

function statementText({ template, fingerprint }: ShapeFacts): AskedText {
  const query = canonicalJson({ query_string: template, uid: fingerprint })
  return { operation: '', query: `"query_info":${query},`, template: '', fingerprint: '', definition: '' }
}

/** OCSF's API Activity has no place for a template. */
function callText({ template, fingerprint }: ShapeFacts, { definition, operation }: CallFacts): AskedText {
  return {
    operation: canonicalJson(operation),
    query: '',
    template: `"template":${canonicalJson(template)},`,
    fingerprint: `"fingerprint":${canonicalJson(fingerprint)},`,
    definition: definition === undefined ? '' : `"definition":${canonicalJson(definition)},`,
  }
}

/** Class and what the class says of the resource: the database of a statement, the service of a call. */
function classText(context: ContextText, shape: ShapeText): string {
  if (shape.operation === '') return `"category_uid":6,"class_uid":${DATASTORE_ACTIVITY},${context.database}`
  return `"api":{"operation":${shape.operation},"service":{"name":${context.resource}}},"category_uid":6,"class_uid":${API_ACTIVITY},`
}

function viaText(context: ContextText, links: LinkText): string {
  return context.via === '' ? '' : `${context.via}${links.tool}}`
}

/** The status of an intent: not known yet when it may be sent, failed when it may not. */
function statusText({ decision, incomplete }: ShapeFacts): string {
  if (decision.outcome === 'allow') return '"status_id":0,'
  const detail = decision.reason ?? incomplete
  const code = decision.code === undefined ? '' : `"status_code":${canonicalJson(decision.code)},`
  return `${code}${detail === undefined ? '' : `"status_detail":${canonicalJson(detail)},`}"status_id":2,`
}

/** Who and in which session: as much of the actor as an outcome repeats. */
export function briefActor({ actor }: Pick<ContextFacts, 'actor'>): JsonObject {
  const session = actor['session'] as JsonObject
  const user = actor['user'] as JsonObject
  return {
    session: { uid: session['uid'] ?? null },
    user: { type: user['type'] ?? null, type_id: user['type_id'] ?? null, uid: user['uid'] ?? null },
  }
}

/** OCSF `status_id`: 0 unknown, 1 success, 2 failure, 99 other. */
const STATUS_ID: Readonly<Record<OutcomeStatus, number>> = {
  success: 1,
  error: 2,
  refused: 2,
  skipped: 99,
  cancelled: 2,
  'masking-refused': 2,
  lost: 0,
}

const SEVERITY: Readonly<Record<OutcomeStatus, number>> = {
  success: 1,
  error: 2,
  refused: 2,
  skipped: 1,
  cancelled: 1,
  'masking-refused': 2,
  lost: 2,
}

/** What an outcome has besides its fixed part. */
export type OutcomeExtra = {
  readonly error_code?: string
  readonly masking?: JsonObject
  readonly request?: string
  readonly truncated?: readonly string[]
}

const NO_EXTRA: OutcomeExtra = {}

/** The frame that it lay in was sealed by us: it has the form that the write side gave it. */
function parseExtra(json: Uint8Array): OutcomeExtra {
  return JSON.parse(Buffer.from(json).toString('utf8')) as OutcomeExtra
}

function sequenceOf(index: number): string {
  return `"sequence":${index},"version":"${OCSF_VERSION}"},`
}

function truncatedText(context: ContextText, shape: ShapeText, links: LinkText): string {
  const ofSession = context.facts.truncated
  const ofShape = shape.facts.truncated
  if (ofSession.length + ofShape.length + links.truncated.length === 0) return ''
  const list = canonicalJson(truncatedFacts([...ofSession, ...ofShape, ...links.truncated]))
  return `${list.slice(1, -1)},`
}
