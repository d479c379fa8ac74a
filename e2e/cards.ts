/** Makes card numbers and look-alikes for tests, by code of its own: it shares nothing with the detector. */

/** A repeatable source of chance (mulberry32). */
export function chance(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

const BRANDS: readonly (readonly [string, readonly number[]])[] = [
  ['4', [16, 19]],
  ['51', [16]],
  ['2720', [16]],
  ['2221', [16]],
  ['34', [15]],
  ['37', [15]],
  ['6011', [16, 19]],
  ['36', [14]],
  ['3528', [16]],
  ['62', [16, 19]],
  ['2200', [16]],
  ['9792', [16]],
]

/** A number of some brand with a right check digit. */
export function card(below: (n: number) => number): string {
  const [prefix, lengths] = BRANDS[below(BRANDS.length)] ?? ['4', [16]]
  const length = lengths[below(lengths.length)] ?? 16
  let digits = prefix
  while (digits.length < length - 1) digits += String(below(10))
  return digits + checkDigit(digits)
}

/** ISO/IEC 7812-1 Annex B: from the right, every second digit doubled. */
function checkDigit(digits: string): string {
  let sum = 0
  for (let place = 0; place < digits.length; place++) {
    const digit = Number(digits[digits.length - 1 - place])
    const doubled = place % 2 === 0 ? digit * 2 : digit
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return String((10 - (sum % 10)) % 10)
}

/** Writings of a number that a result must not let through. */
export const WRITINGS: readonly ((digits: string) => string)[] = [
  (digits) => digits,
  (digits) => digits.replaceAll(/(\d{4})(?=\d)/g, '$1 '),
  (digits) => digits.replaceAll(/(\d{4})(?=\d)/g, '$1-'),
  (digits) => digits.replaceAll(/(\d{4})(?=\d)/g, '$1.'),
  (digits) => digits.replaceAll(/(\d{4})(?=\d)/g, '$1\u00a0'),
  (digits) => `paid with ${digits}, thank you`,
  (digits) => `PAN${digits}X`,
  (digits) => `card_${digits}_end`,
  (digits) => JSON.stringify({ customer: { card: digits, note: `again ${digits}` } }),
  (digits) => digits.replaceAll(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
  (digits) => digits.replaceAll(/(\d{4})(?=\d)/g, '$1&nbsp;'),
  (digits) => `<p>${digits.replaceAll(/(\d{4})(?=\d)/g, '<b>$1</b> ')}</p>`,
]

/** Kinds of text that look like card numbers and are none. */
export const LOOKALIKES: readonly ((below: (n: number) => number) => string)[] = [
  (below) => uuid(below),
  (below) => hex(below, 64),
  (below) => `17${digits(below, 11)}`,
  (below) => `192.168.${below(256)}.${below(256)} 10.${below(256)}.${below(256)}.${below(256)}`,
  (below) => `+49 ${digits(below, 3)} ${digits(below, 4)} ${digits(below, 4)}`,
  (below) =>
    `202${below(10)}-0${1 + below(9)}-1${below(10)}T1${below(10)}:2${below(10)}:3${below(10)}.${digits(below, 6)}Z`,
  (below) => `${1 + below(9)}.${digits(below, 15)}`,
  (below) => Array.from({ length: 12 }, () => below(100)).join(', '),
  (below) => digits(below, 11),
  (below) => `415-555-${digits(below, 4)} 415-555-${digits(below, 4)}`,
  (below) => `<tr>${Array.from({ length: 12 }, () => `<td>${1000 + below(9000)}</td>`).join('')}</tr>`,
  (below) => `<b>+49</b>&nbsp;${digits(below, 3)}&nbsp;${digits(below, 4)}`,
  (below) => `****${digits(below, 4)} ****${digits(below, 4)} ****${digits(below, 4)}`,
]

function uuid(below: (n: number) => number): string {
  return `${hex(below, 8)}-${hex(below, 4)}-4${hex(below, 3)}-a${hex(below, 3)}-${hex(below, 12)}`
}

function hex(below: (n: number) => number, length: number): string {
  return Array.from({ length }, () => '0123456789abcdef'.charAt(below(16))).join('')
}

function digits(below: (n: number) => number, length: number): string {
  return Array.from({ length }, () => String(below(10))).join('')
}

/** Finds whole numbers of a set within any text: digits of all scripts and markup in use here, whatever stands between them. */
export class Sieve {
  readonly #numbers: ReadonlySet<string>

  constructor(numbers: Iterable<string>) {
    this.#numbers = new Set(numbers)
  }

  /** How many numbers of the set stand whole in the text. */
  count(text: string): number {
    const plain = text
      .replaceAll(/[\uff10-\uff19]/g, (digit) => String((digit.codePointAt(0) ?? 0) - 0xff10))
      .replaceAll(/<\/?b>|&nbsp;/g, '\u00a0')
    let found = 0
    for (const [run] of plain.matchAll(/\d(?:[ \-.\u00a0]{0,3}\d){11,}/g))
      found += this.#within(run.replaceAll(/\D/g, ''))
    return found
  }

  #within(run: string): number {
    for (let start = 0; start + 12 <= run.length; start++) {
      for (let length = 12; length <= 19; length++) if (this.#numbers.has(run.slice(start, start + length))) return 1
    }
    return 0
  }
}
