import type { Json, JsonObject } from '#base'
import type { IntentRecordEntry } from './entry.ts'
import { briefActor, type ContextText, type ShapeText } from './leaf.ts'
import { OTHER_ACTIVITY } from './verbs.ts'

/** An intent without an outcome: as much as the record needs that recovery may have to complete it with. */
export type OpenIntent = {
  readonly activity_id: number
  readonly actor: JsonObject
  readonly index: number
  readonly permitted: boolean
  readonly resource: string
  readonly src_endpoint: JsonObject
  readonly verb: string
}

/** The open intent that an intent's entry begins. */
export function openIntent(entry: IntentRecordEntry, context: ContextText, shape: ShapeText): OpenIntent {
  return {
    activity_id: shape.facts.activity_id,
    actor: briefActor(context.facts),
    index: entry.index,
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
  return {
    activity_id: open.activity_id,
    ...(open.activity_id === OTHER_ACTIVITY ? { activity_name: open.verb } : {}),
    actor: open.actor,
    category_uid: 6,
    class_uid: 6005,
    database: { name: open.resource, type_id: 1 },
    dst_endpoint: { svc_name: open.resource },
    severity_id: 2,
    src_endpoint: open.src_endpoint,
    status_id: open.permitted ? 0 : 2,
    type_uid: 600_500 + open.activity_id,
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
  const { activity_id, actor, index, permitted, resource, src_endpoint, verb } = value
  const areCounts = Number.isSafeInteger(activity_id) && Number.isSafeInteger(index)
  const areTexts = typeof resource === 'string' && typeof verb === 'string'
  return areCounts && areTexts && isObject(actor) && isObject(src_endpoint) && typeof permitted === 'boolean'
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
