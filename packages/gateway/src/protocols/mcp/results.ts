import { type Base64Text, type Bytes, findBase64 } from '#base'
import type { ErrorCode, Masking, MaskingSummary, MaskVerdict, ResultColumn, ResultMasker } from '#model'
import { visitLeaves } from './codec/index.ts'

/** What became of an answer. */
export type MaskedAnswer =
  | { readonly kind: 'clean' }
  | { readonly kind: 'masked'; readonly masking: MaskingSummary }
  | { readonly kind: 'refused'; readonly code: MaskErrorCode; readonly masking?: MaskingSummary }

type MaskErrorCode = Extract<ErrorCode, `SP_MASK_${string}`>

/** Patterns that a masking record names; what lies elsewhere is counted together. */
const MAX_PATTERNS = 64
const ELSEWHERE = '/…'

/** A leaf that may hold a card number. */
interface Suspect {
  readonly column: number
  readonly start: number
  readonly end: number
  /** What it decodes to, when the card number may lie in that. */
  readonly base64?: Base64Text
}

/**
 * Truncates the card numbers in an answer of a server, in place: in every string, whatever it is escaped or embedded in, in the names of
 * members, and in what a string holds in base64. A number cannot be truncated, and authentication data must not leave: they refuse the
 * answer. Bytes without a finding stay as they are, and so does the length.
 *
 * @param value the JSON text of a result or an error object, checked by the codec; the caller's own.
 */
export function maskAnswer(value: Bytes, masking: Masking): MaskedAnswer {
  try {
    return mask(value, masking)
  } catch {
    // A detector that fails has found nothing and cleared nothing.
    return { kind: 'refused', code: 'SP_MASK_FAILED' }
  }
}

function mask(value: Bytes, masking: Masking): MaskedAnswer {
  const { suspects, columns } = findSuspects(value, masking.begin([]))
  if (suspects.length === 0) return { kind: 'clean' }
  const masker = masking.begin(columns)
  for (const suspect of suspects) {
    const code = refusalOf(
      suspect.base64 === undefined ? maskLeaf(masker, value, suspect) : maskBase64(masker, suspect),
    )
    if (code !== undefined) return refused(code, masker)
  }
  const summary = masker.summary()
  return summary === undefined ? { kind: 'clean' } : { kind: 'masked', masking: summary }
}

function refused(code: MaskErrorCode, masker: ResultMasker): MaskedAnswer {
  const summary = masker.summary()
  return summary === undefined ? { kind: 'refused', code } : { kind: 'refused', code, masking: summary }
}

function maskLeaf(masker: ResultMasker, value: Bytes, { column, start, end }: Suspect): MaskVerdict {
  return masker.mask(column, value, start, end)
}

/** As `maskLeaf`; `stuck` when what was masked cannot be written back. */
function maskBase64(masker: ResultMasker, { column, base64 }: Suspect): MaskVerdict | 'stuck' {
  if (base64 === undefined) return 'clean'
  const { decoded } = base64
  const verdict = masker.mask(column, decoded, 0, decoded.length)
  return verdict === 'masked' && !base64.write(decoded) ? 'stuck' : verdict
}

function refusalOf(verdict: MaskVerdict | 'stuck'): MaskErrorCode | undefined {
  switch (verdict) {
    case 'clean':
    case 'masked':
      return undefined
    case 'refuse-numeric':
      return 'SP_MASK_NUMERIC'
    case 'refuse-sad':
      return 'SP_MASK_SAD'
    case 'stuck':
      return 'SP_MASK_FAILED'
    default:
      return verdict satisfies never
  }
}

/** The leaves worth a closer look, and the columns of the masking record that they belong to. */
function findSuspects(value: Bytes, finder: ResultMasker): { suspects: Suspect[]; columns: ResultColumn[] } {
  const suspects: Suspect[] = []
  const columns = new Columns()
  visitLeaves(value, { start: 0, end: value.length }, (kind, start, end, where) => {
    const found = kind === 'text' ? findBase64(value, start + 1, end - 1) : []
    for (const base64 of found) {
      if (!finder.mayMatch(base64.decoded, 0, base64.decoded.length)) continue
      suspects.push({ column: columns.of(`${where()}#base64`, 'text'), start, end, base64 })
    }
    // Last, because what is written back of base64 is as it was but for what was found in it.
    if (finder.mayMatch(value, start, end)) suspects.push({ column: columns.of(where(), 'json'), start, end })
  })
  return { suspects, columns: columns.list }
}

/** The columns of one masking record, as many as it may name. */
class Columns {
  readonly list: ResultColumn[] = []
  readonly #byName = new Map<string, number>()

  of(pattern: string, category: 'json' | 'text'): number {
    const name = this.#byName.has(pattern) || this.#byName.size < MAX_PATTERNS ? pattern : `${ELSEWHERE}${category}`
    const known = this.#byName.get(name)
    if (known !== undefined) return known
    const column = this.list.push({ name, category }) - 1
    this.#byName.set(name, column)
    return column
  }
}
