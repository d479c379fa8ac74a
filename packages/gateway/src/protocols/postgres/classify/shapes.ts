import type { Shape } from '#model'
import { type CacheLimits, LruCache } from './lru-cache.ts'

/**
 * One object for equal shapes: texts that differ in their literals only share it, and with it everything that is cached by its identity
 * (decisions, what the trail has written out).
 */
export class Shapes {
  readonly #known: LruCache<Shape>

  constructor(limits: CacheLimits) {
    this.#known = new LruCache(limits)
  }

  /** The object that stands for a shape; `key` is equal for equal shapes. */
  shared(shape: Shape, key: string): Shape {
    const known = this.#known.get(key)
    if (known !== undefined) return known
    freeze(shape)
    this.#known.set(key, shape, weightOf(shape))
    return shape
  }
}

/** Frozen, since it is shared. */
function freeze(shape: Shape): void {
  for (const access of shape.accesses) {
    Object.freeze(access.object)
    for (const list of [access.columns, access.computed, access.unnamed]) if (list !== undefined) Object.freeze(list)
    Object.freeze(access)
  }
  Object.freeze(shape.accesses)
  Object.freeze(shape)
}

/** Roughly what a shape costs to keep, in bytes. */
export function weightOf(shape: Shape): number {
  let weight = 500 + 2 * shape.template.length
  for (const { columns = [], computed = [], unnamed = [] } of shape.accesses) {
    weight += 250 + 50 * (columns.length + computed.length + unnamed.length)
  }
  return weight
}
