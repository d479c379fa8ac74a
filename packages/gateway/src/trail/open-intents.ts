import type { Json, JsonObject } from '#base'
import type { IntentRecordEntry } from './entry.ts'
import { API_ACTIVITY, briefActor, type ContextText, DATASTORE_ACTIVITY, type ShapeText } from './leaf.ts'
import { OTHER_ACTIVITY } from './verbs.ts'

/** An intent without an outcome: as much as the record needs that recovery may have to complete it with. */
export type OpenIntent = {
  readonly activity_id: number
  readonly actor: JsonObject
  readonly index: number
  /** What was called, of an MCP server. */
  readonly operation?: string
  readonly permitted: boolean
  readonly resource: string
  readonly src_endpoint: JsonObject
  readonly verb: string
}

/** The open intent that an intent's entry begins. */
export function openIntent(entry: IntentRecordEntry, context: ContextText, shape: ShapeText): OpenIntent {
  const { call } = shape.facts
  return {
    activity_id: shape.facts.activity_id,
    actor: briefActor(context.facts),
    index: entry.index,
    ...(call === undefined ? {} : { operation: call.operation }),
    permitted: shape.facts.decision.outcome === 'allow',
    resource: context.facts.resource,
    src_endpoint: context.facts.src_endpoint,
    verb: shape.facts.verb,
  }
}

/**
 * The leaf that completes an intent at recovery, without number, time and origin: for a permitted operation nobody knows whether it ran; one that was
 * not permitted was never sent, and only the outcome that says so was lost.
 */
export function completionFacts(open: OpenIntent): JsonObject {
  const { operation, resource } = open
  const classUid = operation === undefined ? DATASTORE_ACTIVITY : API_ACTIVITY
  return {
    activity_id: open.activity_id,
    ...(open.activity_id === OTHER_ACTIVITY ? { activity_name: open.verb } : {}),
    actor: open.actor,
    ...(operation === undefined ? {} : { api: { operation, service: { name: resource } } }),
    category_uid: 6,
    class_uid: classUid,
    ...(operation === undefined ? { database: { name: resource, type_id: 1 } } : {}),
    dst_endpoint: { svc_name: resource },
    severity_id: 2,
    src_endpoint: open.src_endpoint,
    status_id: open.permitted ? 0 : 2,
    type_uid: classUid * 100 + open.activity_id,
    unmapped: {
      intent: open.index,
      phase: 'outcome',
      recovered: true,
      status: open.permitted ? 'unknown' : 'refused',
      verb: open.verb,
    },
  }
}

/** The intent that the facts of a system record complete, if they do. */
export function completedIntent(facts: JsonObject): number | undefined {
  const unmapped = facts['unmapped']
  if (!isObject(unmapped) || unmapped['phase'] !== 'outcome') return undefined
  return typeof unmapped['intent'] === 'number' ? unmapped['intent'] : undefined
}

/** Whether something parsed is an open intent as the state keeps it. */
export function isOpenIntent(value: Json): value is OpenIntent {
  if (!isObject(value)) return false
  const { activity_id, actor, index, operation = '', permitted, resource, src_endpoint, verb } = value
  const areCounts = Number.isSafeInteger(activity_id) && Number.isSafeInteger(index)
  const areTexts = [operation, resource, verb].every((text) => typeof text === 'string')
  return areCounts && areTexts && isObject(actor) && isObject(src_endpoint) && typeof permitted === 'boolean'
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
