import type { Operation } from '#model'
import type { Portal, PreparedStatement, SyncBatch } from './names.ts'
import { slotOf } from './operations.ts'
import type { ParseStep, Slot, Step } from './steps.ts'
import type { Words } from './words.ts'

/** A plan in the making. */
export class Draft {
  readonly steps: Step[] = []
  /** Batches in which something is refused already: nothing behind it up to the Sync matters. */
  readonly doomed: Set<SyncBatch> = new Set()
  readonly parses: Map<PreparedStatement, ParseStep> = new Map()
  /** Portals bound in this plan, with what permits them. */
  readonly bound: Map<Portal, Slot | undefined> = new Map()
  /** Of the steps weighed so far, in bytes. */
  weight = 0
  #weighed = 0
  readonly #weighedSlots = new Set<Slot>()

  refuse(batch: SyncBatch, refusedBy: Words, slot?: Slot): true {
    this.steps.push({ kind: 'refused', batch, words: refusedBy, slot })
    this.doomed.add(batch)
    return true
  }

  /** Weighs what was added. */
  weigh(): void {
    for (const step of this.steps.slice(this.#weighed)) {
      if (step.kind === 'query') for (const { slot } of step.parts) this.weight += weightOf(slot.operation)
      if (step.kind === 'parse' && step.slot === undefined) this.weight += 2 * step.statement.text.length
      if (!('slot' in step) || step.slot === undefined || this.#weighedSlots.has(step.slot)) continue
      this.#weighedSlots.add(step.slot)
      this.weight += weightOf(step.slot.operation)
    }
    this.#weighed = this.steps.length
  }

  /** Every slot once, in the order of the steps; a Parse that no Bind covers gets its own. */
  slots(): readonly Slot[] {
    const slots = new Set<Slot>()
    for (const step of this.steps) {
      if (step.kind === 'query') for (const { slot } of step.parts) slots.add(slot)
      if (step.kind === 'parse') step.slot ??= slotOf(step.statement, undefined, 'prepared')
      if ('slot' in step && step.slot !== undefined) slots.add(step.slot)
    }
    return [...slots]
  }
}

/** Roughly what an operation takes in memory, and its record in the trail. */
function weightOf({ shape, payload }: Operation): number {
  return payload.length + 2 * shape.template.length + 150 * shape.accesses.length + 512
}
