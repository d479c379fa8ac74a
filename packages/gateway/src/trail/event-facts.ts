import { type Json, type JsonObject, canonicalJson } from '#base'
import type { Scrubber, TrailEvent } from '#model'
import { ENTITY_TYPES, EVENT_CLASSES, type EventClass } from './activities.ts'
import { actorFacts, userFacts } from './actor-facts.ts'
import { capMembers, capText, LEAF_BOUNDS } from './bounds.ts'
import { sessionVia } from './operation-facts.ts'
import { invalidRecord, requireCount, requireMembers, requireName } from './requirements.ts'
import { OTHER_ACTIVITY } from './verbs.ts'

const INFORMATIONAL = 1
const LOW = 2
const SUCCESS = 1
const FAILURE = 2

/** What OCSF requires of each class at the top of the leaf, beyond what every event of ours has. */
const REQUIRED: Readonly<Record<TrailEvent['class'], readonly string[]>> = {
  authentication: ['user'],
  'authorize-session': ['actor', 'user', 'privileges'],
  'entity-management': ['entity'],
  'api-activity': ['actor', 'api', 'src_endpoint'],
  lifecycle: ['app'],
}

/**
 * The leaf of an event, without number, time and origin (which the sequencer puts in).
 *
 * @throws {GatewayError} `SP_TRAIL_UNAVAILABLE` when the activity is not on the list of its class or something that the class requires is missing.
 */
export function eventFacts(event: TrailEvent, scrubber: Scrubber, product: JsonObject): JsonObject {
  const eventClass = EVENT_CLASSES[event.class]
  const activityId = Object.hasOwn(eventClass.activities, event.activity)
    ? eventClass.activities[event.activity]
    : undefined
  if (activityId === undefined) throw invalidRecord('unmapped.activity')
  const actor = event.actor === undefined ? undefined : actorFacts(event.actor, event.session, scrubber)
  const { details, whole, truncated } = detailFacts(event.details, scrubber)
  const leaf: JsonObject = {
    ...classFacts(eventClass, activityId, event),
    ...(actor === undefined ? {} : { actor: actor.actor }),
    ...endpointFacts(event),
    ...statusFacts(event, whole),
    ...classMembers(event, whole, scrubber, product),
    unmapped: {
      activity: event.activity,
      ...(details === undefined ? {} : { details }),
      phase: 'event',
      ...truncatedFacts([...truncated, ...(actor?.truncated ?? [])]),
      ...(event.session?.via === undefined ? {} : { via: sessionVia(event.session.via) }),
    },
  }
  requireMembers(leaf, REQUIRED[event.class])
  return leaf
}

/** The canonical bytes of a leaf's facts. @throws {GatewayError} `SP_TRAIL_UNAVAILABLE` for numbers and texts that RFC 8785 does not take. */
export function encodeFacts(facts: JsonObject): Buffer {
  try {
    return Buffer.from(canonicalJson(facts))
  } catch (error) {
    if (error instanceof TypeError) throw invalidRecord('a number that is no integer, or text with a lone surrogate')
    throw error
  }
}

/** `{truncated}` when something was, sorted so that a leaf has one form. */
export function truncatedFacts(parts: readonly string[]): JsonObject {
  return parts.length === 0 ? {} : { truncated: [...new Set(parts)].sort() }
}

/** Class, activity and type of a leaf. */
export function classFacts(
  eventClass: Omit<EventClass, 'activities'>,
  activityId: number,
  event: { activity: string },
): JsonObject {
  return {
    activity_id: activityId,
    ...(activityId === OTHER_ACTIVITY ? { activity_name: event.activity } : {}),
    category_uid: eventClass.categoryUid,
    class_uid: eventClass.classUid,
    type_uid: eventClass.classUid * 100 + activityId,
  }
}

function endpointFacts({ client, session, resource }: TrailEvent): JsonObject {
  const from = client ?? session?.client
  const name = resource ?? session?.resource.name
  return {
    ...(from === undefined
      ? {}
      : {
          src_endpoint: {
            ip: requireName(from.address, 'src_endpoint.ip'),
            port: requireCount(from.port, 'src_endpoint.port'),
          },
        }),
    ...(name === undefined ? {} : { dst_endpoint: { svc_name: requireName(name, 'dst_endpoint.svc_name') } }),
  }
}

function statusFacts(event: TrailEvent, details: JsonObject | undefined): JsonObject {
  if (event.status === 'success') return { severity_id: INFORMATIONAL, status_id: SUCCESS }
  const reason = details?.['reason']
  return {
    severity_id: LOW,
    ...(event.code === undefined ? {} : { status_code: requireName(event.code, 'status_code') }),
    ...(typeof reason === 'string' ? { status_detail: capText(reason, LEAF_BOUNDS.reason) } : {}),
    status_id: FAILURE,
  }
}

function classMembers(
  event: TrailEvent,
  details: JsonObject | undefined,
  scrubber: Scrubber,
  product: JsonObject,
): JsonObject {
  const user = event.actor === undefined ? undefined : userFacts(event.actor, scrubber)
  switch (event.class) {
    case 'authentication': {
      const hasTarget = (event.resource ?? event.session) !== undefined
      // OCSF: at least one of service, dst_endpoint; a credential that belongs to nobody known still needs a `user`.
      return { user: user ?? { type_id: 0, uid: 'n/a' }, ...(hasTarget ? {} : { service: { name: 'sallyport' } }) }
    }
    case 'authorize-session':
      return { ...(user === undefined ? {} : { user }), privileges: ['connect'] }
    case 'entity-management':
      return entityFacts(details)
    case 'api-activity':
      return { api: { operation: event.activity } }
    case 'lifecycle':
      return { app: product }
    default:
      return event.class satisfies never
  }
}

function entityFacts(details: JsonObject | undefined): JsonObject {
  const entity = details?.['entity']
  if (!isObject(entity)) throw invalidRecord('entity')
  const { type, uid, name, version } = entity
  if (typeof type !== 'string' || !ENTITY_TYPES.includes(type)) throw invalidRecord('entity.type')
  if (typeof uid !== 'string') throw invalidRecord('entity.uid')
  const comment = details?.['comment']
  return {
    ...(typeof comment === 'string' ? { comment: capText(comment, LEAF_BOUNDS.reason) } : {}),
    entity: {
      ...(typeof name === 'string' ? { name: requireName(name, 'entity.name') } : {}),
      type,
      uid: requireName(uid, 'entity.uid'),
      ...(typeof version === 'string' ? { version: requireName(version, 'entity.version') } : {}),
    },
  }
}

interface DetailFacts {
  /** What the leaf takes of them. */
  readonly details: JsonObject | undefined
  /** All of them, scrubbed. */
  readonly whole: JsonObject | undefined
  readonly truncated: readonly string[]
}

/** Details scrubbed and within their bound. */
function detailFacts(details: JsonObject | undefined, scrubber: Scrubber): DetailFacts {
  if (details === undefined) return { details, whole: details, truncated: [] }
  const whole = scrubJson(details, scrubber, 0)
  if (!isObject(whole)) throw invalidRecord('unmapped.details')
  encodeFacts(whole)
  const cut = capMembers(whole, LEAF_BOUNDS.details)
  const gone = Object.keys(whole).filter((name) => cut[name] === undefined)
  return { details: cut, whole, truncated: gone.map((name) => `details.${capText(name, 64)}`).slice(0, 16) }
}

/** Deeper details are a mistake of the caller's. */
const MAX_DEPTH = 8
/** A digest is no place where a card number could hide, and scrubbing it would make it another digest. */
const DIGEST = /^(?=.*[a-f])[0-9a-f]{64}$/

function scrubJson(value: Json, scrubber: Scrubber, depth: number): Json {
  if (depth > MAX_DEPTH) throw invalidRecord('unmapped.details')
  if (typeof value === 'string') return DIGEST.test(value) ? value : scrubber.scrubText(value)
  // Times come with fractions where the platform has them; a record has integers.
  if (typeof value === 'number' && Number.isFinite(value)) return Math.round(value)
  if (typeof value !== 'object' || value === null) return value
  if (isArray(value)) return value.map((item) => scrubJson(item, scrubber, depth + 1))
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return Object.fromEntries(
    members.map(([name, member]) => [scrubber.scrubText(name), scrubJson(member, scrubber, depth + 1)]),
  )
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
