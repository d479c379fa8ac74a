/**
 * Numbers by the text that the client wrote: a JavaScript number would change 9007199254740993 into another one, and policy would decide
 * about that.
 */

/** A number of a JSON text, unread. */
export class NumberText {
  readonly source: string

  constructor(source: string) {
    this.source = source
  }
}

/** digits × 10^exponent, without leading or trailing zeros; zero has no digits. */
interface Scientific {
  readonly sign: '' | '-'
  readonly digits: string
  readonly exponent: number
}

// RFC 8259 §6: number = [ minus ] int [ frac ] [ exp ]
const NUMBER = /^(-?)(\d{1,400})(?:\.(\d{1,400}))?(?:[eE]([+-]?\d{1,6}))?$/
const MAX_INT64 = 9_223_372_036_854_775_807n
const INT64_DIGITS = 19
/** Cedar's decimal: an int64 of ten-thousandths. */
const DECIMAL_PLACES = 4

/** The text of a whole number within int64, however it is written (`100.0`, `1e2`); undefined for anything else. */
export function toInt64(source: string): string | undefined {
  const number = parseNumber(source)
  return number === undefined ? undefined : scaled(number, 0)?.toString()
}

/** The text of a number of at most four decimal places, as Cedar's `decimal` wants it; undefined for anything else. */
export function toDecimal(source: string): string | undefined {
  const number = parseNumber(source)
  const units = number === undefined ? undefined : scaled(number, DECIMAL_PLACES)
  if (units === undefined) return undefined
  const sign = units < 0n ? '-' : ''
  const digits = (units < 0n ? -units : units).toString().padStart(DECIMAL_PLACES + 1, '0')
  return `${sign}${digits.slice(0, -DECIMAL_PLACES)}.${digits.slice(-DECIMAL_PLACES)}`
}

function parseNumber(source: string): Scientific | undefined {
  const [, sign, whole = '', fraction = '', exponent = '0'] = NUMBER.exec(source) ?? []
  if (sign === undefined) return undefined
  const all = `${whole}${fraction}`.replace(/^0+/, '')
  const digits = all.replace(/0+$/, '')
  return {
    sign: sign === '-' ? '-' : '',
    digits,
    exponent: Number(exponent) - fraction.length + (all.length - digits.length),
  }
}

/** The number times 10^places as an int64; undefined when that is no whole number or too large. */
function scaled({ sign, digits, exponent }: Scientific, places: number): bigint | undefined {
  if (digits === '') return 0n
  const zeros = exponent + places
  if (zeros < 0 || digits.length + zeros > INT64_DIGITS) return undefined
  const value = BigInt(`${sign}${digits}${'0'.repeat(zeros)}`)
  return value > MAX_INT64 || value < -MAX_INT64 - 1n ? undefined : value
}
