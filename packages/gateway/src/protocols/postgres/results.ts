/**
 * Where masking applies: the values of rows, in place, in the one pass over a result's bytes.
 *
 * A run of rows is first asked for as a whole; only where something may have to change are its values walked. A verdict that a value must
 * not leave, or any fault of the detector, withholds the rest of the result: the rows before it have left, its own row has not.
 */
import type { Bytes } from '#base'
import type { ErrorCode, Masking, MaskingSummary, ResultColumn, ResultMasker } from '#model'
import { type ValueVisitor, walkRows, WireError } from './codec/index.ts'

/** Why a result is not passed on any further. */
export interface Withheld {
  readonly code: Extract<ErrorCode, 'SP_MASK_NUMERIC' | 'SP_MASK_SAD' | 'SP_MASK_FAILED' | 'SP_MASK_TOO_LARGE'>
  /** The column, as masking records name it. */
  readonly column?: string
}

/** What may be passed on of a run of rows. */
export interface MaskedRun {
  /** Behind the last byte that may be passed on. */
  readonly end: number
  readonly rows: number
  readonly withheld?: Withheld
}

/** The masking of one result as it streams by. */
export class ResultPass {
  readonly #columns: readonly ResultColumn[]
  readonly #masker: ResultMasker | undefined
  #withheld: Withheld | undefined
  #rows = 0

  constructor(columns: readonly ResultColumn[], masking: Masking) {
    this.#columns = columns
    this.#masker = begin(columns, masking)
  }

  /**
   * Masks a run of whole rows in place.
   *
   * @throws {WireError} when the rows are not what was described.
   */
  mask(buffer: Bytes, start: number, end: number, rows: number): MaskedRun {
    const masker = this.#masker
    if (masker === undefined) return { end: start, rows: 0, withheld: { code: 'SP_MASK_FAILED' } }
    this.#rows += rows
    try {
      if (!masker.mayMatch(buffer, start, end)) return { end, rows }
      const walk = walkRows(buffer, start, end, this.#columns.length, this.#visitor(masker, buffer))
      if (this.#withheld === undefined) return walk
      return { ...walk, withheld: this.#withheld }
    } catch (error) {
      if (error instanceof WireError) throw error
      return { end: start, rows: 0, withheld: { code: 'SP_MASK_FAILED' } }
    }
  }

  /** A row was larger than what is collected. */
  tooLarge(column: number | undefined): Withheld {
    const name = column === undefined ? undefined : this.#columns[column]?.name
    return name === undefined ? { code: 'SP_MASK_TOO_LARGE' } : { code: 'SP_MASK_TOO_LARGE', column: name }
  }

  /** The masking record of what was passed on so far. */
  summary(): MaskingSummary | undefined {
    return this.#masker?.summary(this.#rows)
  }

  #visitor(masker: ResultMasker, buffer: Bytes): ValueVisitor {
    return (column, start, end) => {
      const verdict = masker.mask(column, buffer, start, end)
      if (verdict === 'clean' || verdict === 'masked') return true
      const code = verdict === 'refuse-numeric' ? 'SP_MASK_NUMERIC' : 'SP_MASK_SAD'
      this.#withheld = { code, column: this.#columns[column]?.name ?? '' }
      return false
    }
  }
}

/** A detector that does not even begin is a detector failure. */
function begin(columns: readonly ResultColumn[], masking: Masking): ResultMasker | undefined {
  try {
    return masking.begin(columns)
  } catch {
    return undefined
  }
}

/** What a person is told after a masked result (`25 values masked in public.cards.pan`), or undefined when nothing was. */
export function maskingNotice(summary: MaskingSummary | undefined): string | undefined {
  const columns = (summary?.columns ?? []).filter((column) => column.masked > 0)
  const [first, ...others] = columns.map(
    ({ name, masked }) => `${String(masked)} ${masked === 1 ? 'value' : 'values'} masked in ${name}`,
  )
  if (first === undefined) return undefined
  const more = others.slice(0, MAX_COLUMNS_NAMED - 1)
  const rest = others.length - more.length
  return [first, ...more, ...(rest > 0 ? [`and in ${String(rest)} more columns`] : [])].join(', ')
}

const MAX_COLUMNS_NAMED = 8
