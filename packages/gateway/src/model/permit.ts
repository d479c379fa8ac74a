import type { Operation } from './operation.ts'

const mintKey: unique symbol = Symbol('mint')

/**
 * The proof that an operation may be sent: policy allowed it and the record of the intent is durable. Only the pipeline can mint one
 * (`#model/mint`), and whatever sends bytes to a resource demands one.
 */
export class Permit {
  readonly #minted: true
  readonly operation: Operation
  /** The number of the intent's record in the trail. */
  readonly sequence: number
  readonly admittedAtMonotonicMs: number

  private constructor(key: typeof mintKey, operation: Operation, sequence: number, admittedAtMonotonicMs: number) {
    if (key !== mintKey) throw new TypeError('a permit is minted by the pipeline only')
    this.#minted = true
    this.operation = operation
    this.sequence = sequence
    this.admittedAtMonotonicMs = admittedAtMonotonicMs
  }

  /** Whether a value is a permit that the pipeline minted; for the places that send. */
  static isMinted(value: unknown): value is Permit {
    return value instanceof Permit && value.#minted
  }

  /** For `#model/mint` alone. */
  static [mintKey](operation: Operation, sequence: number, admittedAtMonotonicMs: number): Permit {
    return new Permit(mintKey, operation, sequence, admittedAtMonotonicMs)
  }
}

/** For `#model/mint` alone: the door through which the pipeline mints. */
export function mint(operation: Operation, sequence: number, admittedAtMonotonicMs: number): Permit {
  return Permit[mintKey](operation, sequence, admittedAtMonotonicMs)
}
