/** Keys that are remembered at a time. */
const MAX_KEYS = 10_000

/**
 * Remembers what is not in a table, as long as nothing is written to it. That is known because whoever writes does so through `change`: one process
 * owns the file.
 */
export class Absences {
  readonly #keys = new Set<string>()
  /** Counts how often all was forgotten. */
  #changes = 0

  /** What is there under a key: asked for unless it is known to be not. */
  async find<T>(key: string, ask: () => Promise<T | undefined>): Promise<T | undefined> {
    if (this.#keys.has(key)) return undefined
    const changes = this.#changes
    const found = await ask()
    // An answer from before a change may come after it.
    if (found === undefined && changes === this.#changes) this.#note(key)
    return found
  }

  /** Writes something that may be one of them. */
  async change<T>(write: () => Promise<T>): Promise<T> {
    this.#forget()
    try {
      return await write()
    } finally {
      // Also of those who asked meanwhile; and when it failed, since nobody knows what was written.
      this.#forget()
    }
  }

  #note(key: string): void {
    if (this.#keys.size >= MAX_KEYS) this.#keys.clear()
    this.#keys.add(key)
  }

  #forget(): void {
    this.#keys.clear()
    this.#changes++
  }
}
