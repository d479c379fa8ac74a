import type { JsonObject } from '#base'
import { LIFECYCLE_ACTIVITIES, type LifecycleActivity } from './activities.ts'
import { classFacts } from './event-facts.ts'

const CLASS = { classUid: 6002, categoryUid: 6 }
const INFORMATIONAL = 1
const MEDIUM = 3

/** A tail that was cut, or a write of unknown fate that was left behind. Nothing from `firstIndex` on was acknowledged there. */
export interface Cut {
  readonly segment: number
  readonly offset: number
  readonly firstIndex: number
}

/** A cut as it is written in leaves and in the state. */
export type CutJson = { readonly first_index: number; readonly offset: number; readonly segment: number }

/** The leaf of a record that the trail writes of itself, without number, time and origin. */
export function lifecycleFacts(
  activity: LifecycleActivity,
  product: JsonObject,
  details: JsonObject,
  cuts: readonly Cut[] = [],
): JsonObject {
  return {
    ...classFacts(CLASS, LIFECYCLE_ACTIVITIES[activity], { activity }),
    app: product,
    severity_id: activity === 'gap' ? MEDIUM : INFORMATIONAL,
    status_id: 1,
    unmapped: {
      activity,
      ...(cuts.length === 0 ? {} : { cut: cuts.map(cutJson) }),
      details,
      lifecycle: activity,
      phase: 'event',
    },
  }
}

/** A cut as JSON. */
export function cutJson({ segment, offset, firstIndex }: Cut): CutJson {
  return { first_index: firstIndex, offset, segment }
}

/** The OCSF `product` of a version. */
export function productFacts(version: string): JsonObject {
  return { name: 'Sallyport', vendor_name: 'Sallyport', version }
}
