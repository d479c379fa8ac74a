import type { TrailLimits } from './limits.ts'

/** From which share of the limit on writers are slowed down, and by how much at the limit. */
const SLOW_FROM = 0.5
const SLOWEST_MS = 50
/** Below which share of the limit refused writers are let in again. */
const RELIEF = 0.8
/** Marks that are kept; older ones are thinned out. */
const MAX_MARKS = 4_096

/** How far the sequencer is behind. */
export interface Lag {
  readonly records: number
  readonly segments: number
}

/** Measures in time how far the sequencer is behind the durable position. */
export class LagMeter {
  #marks: { readonly durable: number; readonly atMs: number }[] = []

  /** Milliseconds since the oldest record became durable that is not integrated. */
  measure(durable: number, integrated: number, nowMs: number): number {
    const first = this.#marks.findIndex((mark) => mark.durable > integrated)
    this.#marks = first < 0 ? [] : this.#marks.slice(first)
    if (durable > (this.#marks.at(-1)?.durable ?? integrated)) {
      if (this.#marks.length >= MAX_MARKS) this.#marks = this.#marks.filter((_, at) => at % 2 === 0)
      this.#marks.push({ durable, atMs: nowMs })
    }
    const oldest = this.#marks[0]
    return oldest === undefined ? 0 : nowMs - oldest.atMs
  }
}

/** How much of what may lag does: 1 is the limit. */
export function lagShare(lag: Lag, limits: TrailLimits): number {
  return Math.max(lag.records / limits.lagRecords, lag.segments / limits.lagSegments)
}

/** How long each commit waits at this share: writers are slowed down gently rather than stopped and let go. */
export function throttleFor(share: number): number {
  return share <= SLOW_FROM ? 0 : Math.min(SLOWEST_MS, Math.round(((share - SLOW_FROM) / (1 - SLOW_FROM)) * SLOWEST_MS))
}

/** Whether writers are to be refused; once they are, only when it is well below the limit no more. */
export function mustRefuse(share: number, isRefusing: boolean): boolean {
  return share >= (isRefusing ? RELIEF : 1)
}
