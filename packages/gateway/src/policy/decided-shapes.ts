import type { Decision, DecidedShape, Shape } from '#model'

/**
 * Decided shapes by what policy can see of the caller. A shape is compared by identity and held weakly: the classifier's cache decides how
 * long it lives.
 */
export class DecidedShapes {
  readonly #limit: number
  #byCaller = new Map<string, WeakMap<Shape, DecidedShape>>()
  #count = 0

  /** Everything is forgotten when `limit` were added; those whose shapes are gone count until then. */
  constructor(limit: number) {
    this.#limit = limit
  }

  get(caller: string, shape: Shape): DecidedShape | undefined {
    return this.#byCaller.get(caller)?.get(shape)
  }

  set(caller: string, decided: DecidedShape): void {
    if (this.#count >= this.#limit) {
      this.#byCaller = new Map()
      this.#count = 0
    }
    const shapes = this.#byCaller.get(caller) ?? new WeakMap<Shape, DecidedShape>()
    shapes.set(decided.shape, decided)
    this.#byCaller.set(caller, shapes)
    this.#count++
  }

  /** The object that stands for a decision that must be made anew each time: the former one when it says the same, so that the trail knows it. */
  standingFor(caller: string, decided: DecidedShape): DecidedShape {
    const former = this.get(caller, decided.shape)
    if (former !== undefined && isSame(former.decision, decided.decision)) return former
    this.set(caller, decided)
    return decided
  }
}

/** By their texts: whatever a decision says counts, and an order of its own only makes it another. */
function isSame(one: Decision, other: Decision): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
