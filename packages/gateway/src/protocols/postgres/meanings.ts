/**
 * What an operation means besides its text: the settings that it will find. An approval is for a statement that means this.
 *
 * PostgreSQL 18, Asynchronous Operations: ParameterStatus comes "whenever the active value changes", in fact before the next ReadyForQuery. So
 * what stands behind a SET in the same string or pipeline, or is decided before that has been answered, finds settings that nobody knows yet:
 * its bytes are those of no other attempt, and no approval is for it.
 */
import { toUtf8 } from '#base'
import type { Operation, Refusal, Shape } from '#model'
import type { SyncBatch } from './names.ts'
import { exactMeaning } from './payload.ts'
import type { Plan, Slot, Step } from './steps.ts'

/** What may have changed a setting, until its batch is answered. */
interface Change {
  readonly slot: Slot
  readonly batch: SyncBatch
}

/** The settings of one session, as far as what is admitted depends on them. */
export class Meanings {
  readonly #settings: ReadonlyMap<string, string>
  readonly #session: string
  #changes: readonly Change[] = []
  /** Whether any setting was ever changed: then the end of a transaction may take it back. */
  #hasChanged = false
  #attempts = 0

  /** `settings` are those that the server reports. */
  constructor(settings: ReadonlyMap<string, string>, session: string) {
    this.#settings = settings
    this.#session = session
  }

  /** The operations of a plan that find settings which are not known yet. */
  uncertain({ steps }: Plan): ReadonlySet<Slot> {
    const uncertain = new Set<Slot>()
    const changes = this.#changes.filter(({ batch }) => !batch.isAnswered)
    for (const step of steps) {
      for (const slot of slotsOf(step)) {
        const last = changes.at(-1)
        if (changes.length > 1 || (last !== undefined && last.slot !== slot)) uncertain.add(slot)
        if (last?.slot !== slot && this.#mayChange(slot.operation.shape)) changes.push({ slot, batch: step.batch })
      }
    }
    this.#changes = changes
    return uncertain
  }

  /** An operation with what it means. */
  of(operation: Operation, isCertain: boolean): Operation {
    if (isCertain) return { ...operation, exact: () => exactMeaning(this.#settings, operation.exact?.()) }
    const attempt = toUtf8(`unknown\0${this.#session}\0${String(this.#attempts++)}`)
    return { ...operation, exact: () => attempt }
  }

  #mayChange({ verb, incomplete }: Shape): boolean {
    if (!setting.has(verb) && incomplete === undefined) return this.#hasChanged && restoring.has(verb)
    this.#hasChanged = true
    return true
  }
}

const setting: ReadonlySet<string> = new Set(['SET', 'RESET'])
/** PostgreSQL 18, "SET": what a transaction set is gone when it is rolled back, what it set by SET LOCAL when it ends. */
const restoring: ReadonlySet<string> = new Set(['COMMIT', 'ROLLBACK', 'ROLLBACK TO'])

function slotsOf(step: Step): readonly Slot[] {
  if (step.kind === 'query') return step.parts.map(({ slot }) => slot)
  return 'slot' in step && step.slot !== undefined ? [step.slot] : []
}

/** What to do about one that no approval can be for. */
export function alone(refusal: Refusal): Refusal {
  if (refusal.code !== 'SP_POLICY_NEEDS_APPROVAL') return refusal
  const hint =
    'its settings are not known yet: send it by itself, once what stands before it (SET, ROLLBACK …) is answered'
  return { ...refusal, hint }
}
