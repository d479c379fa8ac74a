/**
 * A value that must not be shown: it prints as `<secret>` in strings, JSON and inspection, and is read only by `expose()`,
 * so that every reading place can be found by its name.
 */
export class Secret<T> {
  readonly #value: T

  constructor(value: T) {
    this.#value = value
  }

  /** Hands out the value; the caller must not store or print it. */
  expose(): T {
    return this.#value
  }

  toString(): string {
    return '<secret>'
  }

  toJSON(): string {
    return '<secret>'
  }
}
