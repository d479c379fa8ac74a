/** Card numbers for tests, made without anything of the detector: an issuer's prefix, chance, and the check digit that fits. */
import fc from 'fast-check'

const issuers: readonly (readonly [prefixes: readonly string[], lengths: readonly number[]])[] = [
  [['4'], [13, 16, 18, 19]],
  [['51', '52', '53', '54', '55', '2221', '23', '26', '271', '2720'], [16]],
  [['34', '37'], [15]],
  [
    ['6011', '644', '649', '65'],
    [16, 19],
  ],
  [
    ['300', '305', '36', '38', '39'],
    [14, 16, 19],
  ],
  [
    ['3528', '3589'],
    [16, 19],
  ],
  [
    ['62', '81'],
    [14, 16, 17, 18, 19],
  ],
  [
    ['50', '56', '59', '63', '67', '493698'],
    [12, 13, 14, 15, 16, 17, 18, 19],
  ],
  [
    ['2200', '2204'],
    [16, 19],
  ],
  [['82', '508', '9792', '8600', '9860', '9704', '589562', '401178', '636368'], [16]],
  [['1'], [15]],
]

const prefixed = fc
  .constantFrom(...issuers)
  .chain(([prefixes, lengths]) => fc.tuple(fc.constantFrom(...prefixes), fc.constantFrom(...lengths)))

/** A card number of some brand. */
export const pans: fc.Arbitrary<string> = prefixed.chain(([prefix, length]) =>
  fc
    .array(fc.integer({ min: 0, max: 9 }), {
      minLength: length - prefix.length - 1,
      maxLength: length - prefix.length - 1,
    })
    .map((body) => withCheckDigit(prefix + body.join(''))),
)

/** Completes a number with its check digit. */
export function withCheckDigit(body: string): string {
  return body + String((10 - (weighted(`${body}0`) % 10)) % 10)
}

function weighted(digits: string): number {
  return [...digits]
    .toReversed()
    .map((digit, index) => Number(digit) * (index % 2 === 0 ? 1 : 2))
    .reduce((sum, value) => sum + (value > 9 ? value - 9 : value), 0)
}

/** How many runs a property gets: all of them, or a share where one run is long. */
export function fuzzRuns(share = 1): number {
  return Math.max(1, Math.floor(Number(process.env['SALLYPORT_FUZZ_RUNS'] ?? 100_000) * share))
}

/** A text for an assertion's message, in which no digit can be read. */
export function withoutDigits(text: string): string {
  return JSON.stringify(text).replaceAll(/\p{Nd}/gu, '#')
}
