import type { Access, Effect, ObjectName } from '#model'
import type { Use } from './lineage.ts'

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
  readonly columns: NamedColumns
  readonly uses: Readonly<Record<Use, NamedColumns>>
}

/** Names of columns, until any may be meant. */
class NamedColumns implements Columns {
  readonly #names = new Set<string>()
  #isAny = false

  add(name: string): void {
    this.#names.add(name)
  }

  any(): void {
    this.#isAny = true
  }

  /** In an order that does not depend on the text's; undefined when any may be meant. */
  listed(): readonly string[] | undefined {
    return this.#isAny ? undefined : [...this.#names].sort((a, b) => (a < b ? -1 : 1))
  }
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
    return this.#draft(effect, object).columns
  }

  /**
   * Notes what is done with a column, or with any of them where no name is given. It goes with the effect by which it is done: reading, or
   * defining what the database then computes.
   */
  use(use: Use, object: ObjectName, column: string | undefined, effect: 'select' | 'ddl' = 'select'): void {
    const columns = this.#draft(effect, object).uses[use]
    if (column === undefined) columns.any()
    else columns.add(column)
  }

  #draft(effect: Effect, object: ObjectName): Draft {
    const key = `${effect}\0${keyOf(object)}`
    const known = this.#drafts.get(key)
    if (known !== undefined) return known
    const uses = { computed: new NamedColumns(), unnamed: new NamedColumns() }
    const draft = { effect, object, columns: new NamedColumns(), uses }
    this.#drafts.set(key, draft)
    return draft
  }

  /** The accesses found. With `areUsesKnown` false, or a reason set, any column that is read may be used in any way. */
  accesses(areUsesKnown: boolean): readonly Access[] {
    const areKnown = areUsesKnown && this.#reason === undefined
    return [...this.#drafts.values()].map(({ effect, object, columns, uses }): Access => {
      const listed = object.kind === 'table' ? columns.listed() : undefined
      const access: Access = listed === undefined ? { effect, object } : { effect, object, columns: listed }
      if (effect !== 'select' && !(effect === 'ddl' && object.kind === 'table')) return access
      const computed = areKnown ? (uses.computed.listed() ?? '*') : '*'
      const unnamed = areKnown ? (uses.unnamed.listed() ?? '*') : '*'
      return {
        ...access,
        ...(computed.length === 0 ? {} : { computed }),
        ...(unnamed.length === 0 ? {} : { unnamed }),
      }
    })
  }
}

/** Tells objects apart. */
export function keyOf(object: ObjectName): string {
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
