/**
 * What an operation means besides its text: the settings that it will find. An approval is for a statement that means this.
 *
 * PostgreSQL 18, Asynchronous Operations: ParameterStatus comes "whenever the active value changes", in fact before the next ReadyForQuery. So
 * what stands behind a SET in the same string or pipeline, or is decided before that has been answered, finds settings that nobody knows yet:
 * its bytes are those of no other attempt, and no approval is for it.
 */
import { concatBytes, fromUtf8, toUtf8 } from '#base'
import type { Operation, Refusal, Shape } from '#model'
import type { PreparedStatement, SyncBatch } from './names.ts'
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
  /** Under which settings a statement was prepared: PostgreSQL reads its literals then. */
  readonly #prepared = new WeakMap<PreparedStatement, string>()
  readonly #statements = new WeakMap<Slot, PreparedStatement>()

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
        if (step.kind === 'parse')
          this.#prepared.set(step.statement, uncertain.has(slot) ? this.#attempt() : this.#now())
        else if (step.kind === 'bind' || step.kind === 'execute') this.#statements.set(slot, step.portal.statement)
      }
    }
    this.#changes = changes
    return uncertain
  }

  /** The operation of a slot with what it means. */
  of(slot: Slot, isCertain: boolean): Operation {
    const { operation } = slot
    if (!isCertain) {
      const attempt = toUtf8(this.#attempt())
      return { ...operation, exact: () => attempt }
    }
    const statement = this.#statements.get(slot)
    const prepared = statement && this.#prepared.get(statement)
    return {
      ...operation,
      exact: () => {
        const meaning = exactMeaning(this.#settings, operation.exact?.())
        if (prepared === undefined || prepared === this.#now()) return meaning
        return concatBytes([toUtf8(`prepared\0${prepared}\0`), meaning])
      },
    }
  }

  /** The settings in force. */
  #now(): string {
    return fromUtf8(exactMeaning(this.#settings, undefined))
  }

  /** What no other attempt has, in this session or another. */
  #attempt(): string {
    return `unknown\0${this.#session}\0${String(this.#attempts++)}`
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
