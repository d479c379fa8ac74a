/** Lets those who come for the same thing take turns, in the order in which they came. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>()

  /** Runs the work when everything that came for this name before has ended, however it ended. */
  async take<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name) ?? Promise.resolve()
    const turn = before.then(work, work)
    this.#last.set(name, turn)
    try {
      return await turn
    } finally {
      if (this.#last.get(name) === turn) this.#last.delete(name)
    }
  }
}
