/**
 * The values of rows, found in place, nothing allocated per row. PostgreSQL 18, DataRow:
 *
 *     'D' | length: int32 | columns: int16 | (length: int32, -1 for NULL | bytes) × columns
 */
import type { Bytes } from '#base'
import { invalid } from './wire-error.ts'

const ROW_HEADER_BYTES = 7

/**
 * What is done with one value; `start` and `end` are offsets into the buffer. Not called for NULL.
 * Returning false stops the walk.
 */
export type ValueVisitor = (column: number, start: number, end: number) => boolean

/** How far a walk came. */
interface RowWalk {
  /** Rows that were walked to their end. */
  readonly rows: number
  /** Where the first row that was not begins; the end of the run when all were. */
  readonly end: number
}

/**
 * Walks a run of whole DataRow messages and shows each value that is not NULL.
 *
 * @throws {WireError} `SP_WIRE_INVALID` when a row's lengths do not add up or its columns are not as many as described.
 */
export function walkRows(buffer: Bytes, from: number, to: number, columns: number, visit: ValueVisitor): RowWalk {
  let rows = 0
  let offset = from
  while (offset < to) {
    const end = rowEnd(buffer, offset, to)
    if (uint16(buffer, offset + 5) !== columns) throw invalid('a row with other columns than described')
    if (!walkRow(buffer, offset + ROW_HEADER_BYTES, end, columns, visit)) return { rows, end: offset }
    offset = end
    rows++
  }
  return { rows, end: offset }
}

function walkRow(buffer: Bytes, from: number, end: number, columns: number, visit: ValueVisitor): boolean {
  let offset = from
  for (let column = 0; column < columns; column++) {
    if (end - offset < 4) throw invalid('a row that ends within a length')
    const length = int32(buffer, offset)
    offset += 4
    if (length === -1) continue
    if (length < 0 || length > end - offset) throw invalid('a value that runs over the end of its row')
    if (!visit(column, offset, offset + length)) return false
    offset += length
  }
  if (offset !== end) throw invalid('bytes behind the last value of a row')
  return true
}

function rowEnd(buffer: Bytes, offset: number, to: number): number {
  const end = offset + 1 + int32(buffer, offset + 1)
  if (end > to || end < offset + ROW_HEADER_BYTES) throw invalid('a row with an impossible length')
  return end
}

function uint16(buffer: Bytes, offset: number): number {
  return ((buffer[offset] ?? 0) << 8) | (buffer[offset + 1] ?? 0)
}

function int32(buffer: Bytes, offset: number): number {
  return (
    ((buffer[offset] ?? 0) << 24) |
    ((buffer[offset + 1] ?? 0) << 16) |
    ((buffer[offset + 2] ?? 0) << 8) |
    (buffer[offset + 3] ?? 0)
  )
}

/**
 * Finds the column in which a row passes a size, reading only lengths while the row streams by in pieces.
 * For rows that are too large to be collected: it names the column to the reader.
 */
export class OversizedRow {
  readonly #limit: number
  #seen = 0
  /** Bytes of the field being read that are still to come; the first field is the number of columns. */
  #field = 2
  #isLength = false
  #length = 0
  #column = -1
  /** The column in which the limit was passed, once it was. */
  found: number | undefined

  /** `limit` is in bytes of the row's body. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Takes the next piece of the row's body. */
  take(buffer: Bytes, from: number, to: number): void {
    let offset = from
    while (offset < to) {
      const step = this.#isLength || this.#column < 0 ? 1 : Math.min(this.#field, to - offset)
      if (this.#isLength) this.#length = (this.#length << 8) | (buffer[offset] ?? 0)
      offset += step
      this.#seen += step
      this.#field -= step
      if (this.#seen > this.#limit && this.found === undefined) this.found = Math.max(this.#column, 0)
      if (this.#field === 0) this.#next()
    }
  }

  #next(): void {
    const isValue = this.#isLength && this.#length > 0
    if (!isValue) this.#column++
    this.#field = isValue ? this.#length : 4
    this.#isLength = !isValue
    if (!isValue) this.#length = 0
  }
}
