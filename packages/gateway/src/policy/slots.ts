/**
 * The names under which policy sets lie in Cedar's cache. That cache has no delete and is shared by everything in the thread, so names
 * are used again: each loaded policy takes one of two generations in turn, so that the one in force and the one being loaded never push
 * each other out. Were a third alive, it would take over names of the first; whoever finds a name taken over preparses again, so an answer
 * never comes from another's policies.
 */
import { preparse } from './cedar.ts'

/** What is to lie under a name. */
export interface SlotContent {
  readonly schema: string
  readonly policies: Readonly<Record<string, string>>
}

/** What lies under each name in Cedar's cache of this thread: state about Cedar's state, and of nothing else. */
const held = new Map<string, SlotContent>()
let generations = 0

/** The names of one loaded policy. */
export class Slots {
  readonly #generation: number
  #next = 0

  constructor() {
    this.#generation = generations++ % 2
  }

  /** A fresh name of this generation. */
  claim(): string {
    return `sallyport/${this.#generation}/${this.#next++}`
  }
}

/** Makes sure that exactly this content lies under a name; false when Cedar will not have it. Compares contents by identity. */
export function ensureHeld(name: string, content: SlotContent): boolean {
  if (held.get(name) === content) return true
  // not held by anybody while it is replaced: a failure half-way must not leave the schema of one and the policies of another
  held.delete(name)
  if (!preparse(name, content.schema, content.policies)) return false
  held.set(name, content)
  return true
}
