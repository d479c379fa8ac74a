import type { Bytes } from '#base'
import { GatewayError, type ResultColumn } from '#model'
import { lookAhead } from './detector.ts'
import { maxLookBytes } from './lookalikes.ts'
import type { Readers } from './readers.ts'

/** More than the readers ever hold back: what is longer is a fault of theirs, and the result is withheld. */
const maxHeldBytes = 65_536
/** A buffer longer than this is not kept for the next value. */
const maxIdleBytes = 1_048_576

/**
 * Puts the pieces of one value together as far as a card number may go on across their borders, and releases what is settled.
 *
 *     | looked back at | held back | not yet read | ← the next piece
 *     0            released       position       used
 */
export class ValuePieces {
  /** The column whose value is at hand. */
  column: ResultColumn | undefined
  readonly #readers: Readers
  #buffer: Bytes = new Uint8Array(0)
  #used = 0
  #released = 0
  #position = 0

  constructor(readers: Readers) {
    this.#readers = readers
  }

  /** Adds a piece; after the last one, or once there is a refusal, nothing of the value is left here. */
  add(column: ResultColumn, piece: Bytes, isLast: boolean, release: (settled: Bytes) => void): Readers {
    if (this.column === undefined) this.#begin(column)
    else if (this.column !== column) throw new GatewayError('SP_MASK_FAILED', 'pieces of two values came mixed')
    this.#append(piece)
    const limit = isLast ? this.#used : Math.max(this.#position, this.#used - lookAhead)
    if (isLast || limit > this.#position) {
      this.#position = this.#readers.advance(this.#buffer, this.#position, limit, this.#used)
    }
    if (this.#readers.refusal === undefined)
      this.#release(isLast ? this.#used : this.#readers.heldFrom(this.#position), release)
    if (isLast || this.#readers.refusal !== undefined) this.#end()
    else this.#forget()
    return this.#readers
  }

  #begin(column: ResultColumn): void {
    this.column = column
    this.#used = 0
    this.#released = 0
    this.#position = 0
    this.#readers.begin(column, 0)
  }

  #append(piece: Bytes): void {
    if (this.#used + piece.length > this.#buffer.length) {
      const larger = new Uint8Array(2 * (this.#used + piece.length))
      larger.set(this.#buffer.subarray(0, this.#used))
      this.#buffer = larger
    }
    this.#buffer.set(piece, this.#used)
    this.#used += piece.length
  }

  #release(settled: number, release: (settled: Bytes) => void): void {
    if (this.#position - settled > maxHeldBytes)
      throw new GatewayError('SP_MASK_FAILED', 'too much of a value is held back')
    if (settled <= this.#released) return
    release(this.#buffer.subarray(this.#released, settled))
    this.#released = settled
  }

  /** Drops what was released, but for what the rules may look back at. */
  #forget(): void {
    const by = this.#released - maxLookBytes
    if (by <= 0) return
    this.#buffer.copyWithin(0, by, this.#used)
    this.#used -= by
    this.#released -= by
    this.#position -= by
    this.#readers.shift(-by)
  }

  #end(): void {
    this.column = undefined
    // Nothing of a result stays behind in memory that lives longer.
    if (this.#buffer.length > maxIdleBytes) this.#buffer = new Uint8Array(0)
    else this.#buffer.fill(0, 0, this.#used)
  }
}
