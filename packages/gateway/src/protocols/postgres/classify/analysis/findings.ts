import type { Access, Effect, ObjectName } from '#model'

/** Names with at least this many digits may be card numbers and are not repeated in templates and reasons. */
const SUSPICIOUS_DIGITS = 12

/** Takes the columns that a statement names on one object. */
export interface Columns {
  /** One column, by its exact name. */
  add(name: string): void
  /** Some or all columns: which ones cannot be told. */
  any(): void
}

/** For things that have columns but are no objects: subqueries, functions, CTEs. */
export const noColumns: Columns = { add: () => undefined, any: () => undefined }

interface Draft {
  readonly effect: Effect
  readonly object: ObjectName
  readonly columns: Set<string>
  isAny: boolean
}

/**
 * What an analysis has found so far: accesses in the order of their first appearance, and the first thing that it did not understand.
 * With a reason set the accesses are what could be seen, not all there is.
 */
export class Findings {
  readonly #drafts = new Map<string, Draft>()
  #reason: string | undefined

  /** The first construct that was not understood. */
  get incomplete(): string | undefined {
    return this.#reason
  }

  /** Notes a construct that is not understood. The reason must hold no literal of the statement. */
  doubt(reason: string): void {
    this.#reason ??= reason
  }

  /** Notes an effect on an object; its columns go to what is returned. */
  touch(effect: Effect, object: ObjectName): Columns {
    const key = `${effect}\0${keyOf(object)}`
    const draft = this.#drafts.get(key) ?? { effect, object, columns: new Set<string>(), isAny: false }
    this.#drafts.set(key, draft)
    return {
      add: (name) => draft.columns.add(name),
      any: () => {
        draft.isAny = true
      },
    }
  }

  /** The accesses found. */
  accesses(): readonly Access[] {
    return [...this.#drafts.values()].map(({ effect, object, columns, isAny }) =>
      isAny || object.kind !== 'table'
        ? { effect, object }
        : { effect, object, columns: [...columns].sort((a, b) => (a < b ? -1 : 1)) },
    )
  }
}

function keyOf(object: ObjectName): string {
  switch (object.kind) {
    case 'table':
    case 'function':
      return `${object.kind}\0${object.schema}\0${object.name}`
    case 'schema':
      return `schema\0${object.schema}`
    case 'setting':
      return `setting\0${object.name}`
    case 'database':
      return 'database'
    case 'tool':
      return `tool\0${object.name}`
  }
}

/** Whether a name holds so many digits that it may be a card number. */
export function isSuspicious(name: string): boolean {
  return (name.match(/\p{Nd}/gu)?.length ?? 0) >= SUSPICIOUS_DIGITS
}

/** A name as reasons may repeat it. */
export function shown(name: string): string {
  return isSuspicious(name) ? '?' : name
}
