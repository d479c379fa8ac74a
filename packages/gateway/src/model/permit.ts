import type { Operation } from './operation.ts'

let construct: (operation: Operation, sequence: number, admittedAtMonotonicMs: number) => Permit

/**
 * The proof that an operation may be sent: policy allowed it and the record of the intent is durable. Only the pipeline can mint one
 * (`#model/mint`), and whatever sends bytes to a resource demands one.
 */
export class Permit {
  /** Makes the type nominal: an object of the same members is no permit. */
  readonly #minted = true
  readonly operation: Operation
  /** The number of the intent's record in the trail. */
  readonly sequence: number
  readonly admittedAtMonotonicMs: number

  private constructor(operation: Operation, sequence: number, admittedAtMonotonicMs: number) {
    this.operation = operation
    this.sequence = sequence
    this.admittedAtMonotonicMs = admittedAtMonotonicMs
  }

  /** Whether a value is a permit that the pipeline minted. */
  static isMinted(value: unknown): value is Permit {
    return typeof value === 'object' && value !== null && #minted in value
  }

  static {
    construct = (operation, sequence, admittedAtMonotonicMs) => new Permit(operation, sequence, admittedAtMonotonicMs)
  }
}

/** For `#model/mint` alone: the door through which the pipeline mints. */
export function mint(operation: Operation, sequence: number, admittedAtMonotonicMs: number): Permit {
  return construct(operation, sequence, admittedAtMonotonicMs)
}

/** Whether a value is a permit that the pipeline minted: asked once more, at run time, where bytes leave for a resource. */
export function isMinted(value: unknown): value is Permit {
  return Permit.isMinted(value)
}
