import type { Bytes } from '#base'
import {
  GatewayError,
  type MaskedColumn,
  type MaskingSummary,
  type MaskVerdict,
  type ResultColumn,
  type ResultMasker,
} from '#model'
import type { IinIndex } from './iin.ts'
import { Readers, type Refusal } from './readers.ts'
import type { CardScrubber } from './scrub.ts'
import type { SuspectFinder } from './suspect.ts'
import { ValuePieces } from './pieces.ts'

/** What the results of one process share. */
export interface SharedMasking {
  readonly iins: IinIndex
  /** Digest of the ruleset's text. */
  readonly ruleset: string
  readonly readers: Readers
  readonly suspects: SuspectFinder
  readonly scrubber: CardScrubber
}

interface ColumnState {
  readonly column: ResultColumn
  seen: number
  masked: number
  refusal?: Refusal
}

/**
 * Masks the values of one result, in the caller's buffer, and keeps the masking record.
 *
 * The usual way is to ask {@link mayMatch} for a span of raw rows and to walk only those; then each value goes to {@link mask}. A value that
 * comes in pieces goes to {@link value}, piece by piece. After a refusal the result is over: every further answer is that refusal.
 */
export class ValueMasker implements ResultMasker {
  readonly #shared: SharedMasking
  readonly #columns: readonly ColumnState[]
  /** Whether every row has to be walked. */
  readonly #isWalked: boolean
  #refusal: Refusal | undefined
  #pieces: ValuePieces | undefined

  constructor(shared: SharedMasking, columns: readonly ResultColumn[]) {
    this.#shared = shared
    this.#columns = columns.map((column) => ({ column, seen: 0, masked: 0 }))
    this.#isWalked = columns.some(isAlwaysRead)
  }

  /**
   * Whether some value within a span of raw rows, headers included, may have to be changed or refused; false is certain, for a value's digits
   * lie together. A header can only make a stretch seem longer. Always true while a column is declared, or of money.
   */
  mayMatch(buffer: Bytes, start: number, end: number): boolean {
    if (this.#isWalked || this.#refusal !== undefined) return true
    this.#shared.suspects.reset()
    return this.#shared.suspects.find(buffer, start, end, true)
  }

  /** Masks one whole value in place. */
  mask(column: number, buffer: Bytes, start: number, end: number): MaskVerdict {
    if (this.#refusal !== undefined) return this.#refusal
    const state = this.#state(column)
    const { readers, suspects } = this.#shared
    readers.begin(state.column, start)
    // A row is walked for the sake of one value; of the others most can be left at a glance.
    suspects.reset()
    if (isAlwaysRead(state.column) || suspects.find(buffer, start, end, true)) {
      readers.advance(buffer, start, end, end)
    }
    return this.#conclude(state, readers)
  }

  /**
   * Masks a value that comes in pieces; `release` gets the bytes that are settled, in order. They are the masker's own and only good during
   * the call. A piece is not altered unless it is the whole value, which is then released as it is. The verdict is the value's with the last piece,
   * before that only a refusal counts.
   *
   * @throws {GatewayError} `SP_MASK_FAILED` when pieces of two values are mixed.
   */
  value(column: number, piece: Bytes, isLast: boolean, release: (settled: Bytes) => void): MaskVerdict {
    if (this.#refusal !== undefined) return this.#refusal
    const state = this.#state(column)
    if (isLast && this.#pieces?.column === undefined) {
      const verdict = this.mask(column, piece, 0, piece.length)
      if (this.#refusal === undefined) release(piece)
      return verdict
    }
    this.#pieces ??= new ValuePieces(new Readers(this.#shared.iins))
    const readers = this.#pieces.add(state.column, piece, isLast, release)
    if (isLast || readers.refusal !== undefined) return this.#conclude(state, readers)
    return readers.masked ? 'masked' : 'clean'
  }

  /**
   * The masking record; undefined when nothing was declared, found or refused. `rows` is how many rows the result had: as most of them are
   * cleared unread, it is what `seen` says of each column. Without it `seen` counts the values given.
   */
  summary(rows?: number): MaskingSummary | undefined {
    const columns = this.#columns.flatMap((state): MaskedColumn[] => {
      const rule = ruleOf(state)
      if (rule === undefined) return []
      const name = this.#shared.scrubber.scrubText(state.column.name)
      return [{ name, rule, seen: rows ?? state.seen, masked: state.masked }]
    })
    return columns.length === 0 ? undefined : { ruleset: this.#shared.ruleset, columns }
  }

  #state(column: number): ColumnState {
    const state = this.#columns[column]
    if (state === undefined) throw new GatewayError('SP_MASK_FAILED', `no column ${column} in this result`)
    return state
  }

  #conclude(state: ColumnState, readers: Readers): MaskVerdict {
    state.seen += 1
    if (readers.refusal !== undefined) {
      this.#refusal = readers.refusal
      state.refusal = readers.refusal
      return readers.refusal
    }
    if (!readers.masked) return 'clean'
    state.masked += 1
    return 'masked'
  }
}

/** `refused-*` before `declared-*` before `detected-pan`: the rule that decided about the column. */
function ruleOf({ column, masked, refusal }: ColumnState): string | undefined {
  if (refusal === 'refuse-numeric') return 'refused-numeric'
  if (refusal === 'refuse-sad') return 'refused-sad'
  if (column.declared !== undefined) return `declared-${column.declared}`
  return masked > 0 ? 'detected-pan' : undefined
}

/** Whether a column's values are read whatever they look like: declared ones, and amounts, whose digits a locale's signs may part. */
function isAlwaysRead({ category, declared }: ResultColumn): boolean {
  return declared !== undefined || category === 'money'
}
