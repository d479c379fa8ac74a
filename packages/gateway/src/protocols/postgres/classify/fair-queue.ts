/** A queue in which each owner waits behind its own items only: items are taken from one owner after the other. */
export class FairQueue<T> {
  /** In the order of whose turn it is. */
  readonly #byOwner = new Map<object, T[]>()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** How many items of one owner wait. */
  sizeOf(owner: object): number {
    return this.#byOwner.get(owner)?.length ?? 0
  }

  push(owner: object, item: T): void {
    const items = this.#byOwner.get(owner)
    if (items === undefined) this.#byOwner.set(owner, [item])
    else items.push(item)
    this.#size++
  }

  /** The next item of the owner whose turn it is. */
  take(): T | undefined {
    for (const [owner, items] of this.#byOwner) {
      const item = items.shift()
      this.#byOwner.delete(owner)
      if (items.length > 0) this.#byOwner.set(owner, items)
      if (item === undefined) continue
      this.#size--
      return item
    }
    return undefined
  }

  /** Removes and returns all items for which the test holds. */
  remove(test: (item: T) => boolean): readonly T[] {
    const removed: T[] = []
    for (const [owner, items] of this.#byOwner) {
      const kept = items.filter((item) => !test(item))
      if (kept.length === items.length) continue
      removed.push(...items.filter(test))
      if (kept.length === 0) this.#byOwner.delete(owner)
      else this.#byOwner.set(owner, kept)
    }
    this.#size -= removed.length
    return removed
  }
}
