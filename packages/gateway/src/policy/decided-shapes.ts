import type { DecidedShape, Shape } from '#model'

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
}
