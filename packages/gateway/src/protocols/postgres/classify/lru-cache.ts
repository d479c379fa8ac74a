/** What a cache may hold. */
export interface CacheLimits {
  readonly entries: number
  /** The sum of the weights given with the entries, in bytes. */
  readonly bytes: number
}

interface Entry<V> {
  readonly value: V
  readonly weight: number
}

/** Forgets what was not asked for longest; bounded in entries and bytes. */
class RecencyMap<V> {
  readonly #entries = new Map<string, Entry<V>>()
  readonly #limits: CacheLimits
  #bytes = 0

  constructor(limits: CacheLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#entries.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Removes and returns an entry. */
  take(key: string): Entry<V> | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    this.#bytes -= entry.weight
    return entry
  }

  put(key: string, entry: Entry<V>): void {
    this.take(key)
    if (entry.weight > this.#limits.bytes) return
    this.#entries.set(key, entry)
    this.#bytes += entry.weight
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#limits.entries && this.#bytes <= this.#limits.bytes) return
      this.take(oldest)
    }
  }
}

/**
 * A bounded cache in two parts: what was asked for once, and what was asked for again. A flood of texts that never come back pushes out
 * only its own kind. A quarter of the limits is for the first part.
 */
export class LruCache<V> {
  readonly #once: RecencyMap<V>
  readonly #again: RecencyMap<V>

  constructor(limits: CacheLimits) {
    const entries = Math.ceil(limits.entries / 4)
    const bytes = Math.ceil(limits.bytes / 4)
    this.#once = new RecencyMap({ entries, bytes })
    this.#again = new RecencyMap({ entries: limits.entries - entries, bytes: limits.bytes - bytes })
  }

  get size(): number {
    return this.#once.size + this.#again.size
  }

  get bytes(): number {
    return this.#once.bytes + this.#again.bytes
  }

  get(key: string): V | undefined {
    const entry = this.#again.take(key) ?? this.#once.take(key)
    if (entry !== undefined) this.#again.put(key, entry)
    return entry?.value
  }

  /** Adds or replaces an entry; `weight` in bytes is what it costs to keep, key included. */
  set(key: string, value: V, weight: number): void {
    this.#again.take(key)
    this.#once.put(key, { value, weight })
  }
}
