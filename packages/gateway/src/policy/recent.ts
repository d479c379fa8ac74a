/**
 * A bounded map that keeps what was used lately: two generations, the younger of which is filled; when it is full it becomes the elder
 * and the elder is forgotten. What is found in the elder moves to the younger.
 */
export class Recent<V> {
  readonly #limit: number
  #younger = new Map<string, V>()
  #elder = new Map<string, V>()

  /** Holds at most twice `limit` entries. */
  constructor(limit: number) {
    this.#limit = limit
  }

  get(key: string): V | undefined {
    const young = this.#younger.get(key)
    if (young !== undefined) return young
    const old = this.#elder.get(key)
    if (old !== undefined) this.set(key, old)
    return old
  }

  set(key: string, value: V): void {
    if (this.#younger.size >= this.#limit) {
      this.#elder = this.#younger
      this.#younger = new Map()
    }
    this.#younger.set(key, value)
  }
}
