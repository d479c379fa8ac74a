/** Texts for properties: near to what the detector has to decide about, so that chance finds its corners. */
import fc from 'fast-check'
import { decimalZeros } from '../digit-sets.ts'
import { pans } from './cards.ts'

export const visibleSeparators: readonly string[] = [
  ...[' ', '-', '.', '\t', '\n', '\r', '\u00a0', '\u1680', '\u2007', '\u2009', '\u202f', '\u205f', '\u3000'],
  ...['\u2010', '\u2011', '\u2012', '\u2013', '\u2014', '\u2015', '\u2212', '\uff0d', '\u30fc', '\u00b7', '\u2024'],
]
export const invisibleSeparators: readonly string[] = [
  ...[
    '\u200b',
    '\u200c',
    '\u200d',
    '\u2060',
    '\ufeff',
    '\u00ad',
    '\u200e',
    '\u202a',
    '\u2066',
    '\u{e0020}',
    '\u{e01ef}',
  ],
]

/** Markup that takes no room and that a number goes on over. */
export const marks: readonly string[] = [
  ...[
    '<b>',
    '</b>',
    '<br/>',
    '<SPAN>',
    '</span>',
    '<span class="x">',
    "<font color='#001122'>",
    '<a href="/x?a=1&amp;b=2">',
  ],
  ...[
    '<!-- 12 -->',
    '<\\/b>',
    '\\u003cb\\u003e',
    '\\u003C/b\\u003E',
    '&lt;b&gt;',
    '&amp;lt;/b&amp;gt;',
    '**',
    '*',
    '***',
  ],
]
/** References of HTML to separators. */
export const visibleReferences: readonly string[] = [
  ...[
    '&nbsp;',
    '&#160;',
    '&#xA0;',
    '&ndash;',
    '&#8209;',
    '&hyphen;',
    '&amp;nbsp;',
    '\\u0026nbsp;',
    '&thinsp;',
    '&nbsp',
  ],
]
export const invisibleReferences: readonly string[] = [
  '&shy;',
  '&#8203;',
  '&zwnj;',
  '&ZeroWidthSpace;',
  '&amp;shy;',
  '\\u0026shy;',
]

const digitForms = fc.constantFrom(...decimalZeros).map(
  (zero) =>
    (digit: string): string =>
      String.fromCodePoint(zero + Number(digit)),
)
const hex = (digit: string): string => (0x30 + Number(digit)).toString(16)
/** As JSON writes what is not ASCII. */
const escaped = (text: string, backslashes: string): string =>
  Array.from(
    { length: text.length },
    (_, at) => `${backslashes}u${text.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('')

/** How a digit may be written. */
export const writings: fc.Arbitrary<(digit: string) => string> = fc.oneof(
  { arbitrary: fc.constant((digit: string) => digit), weight: 4 },
  digitForms,
  fc.constant((digit: string) => `\\u00${hex(digit)}`),
  fc.constant((digit: string) => `\\\\u00${hex(digit)}`),
  fc.tuple(digitForms, fc.constantFrom('\\', '\\\\', '\\\\\\\\')).map(
    ([write, backslashes]) =>
      (digit: string) =>
        escaped(write(digit), backslashes),
  ),
  fc.constant((digit: string) => `%${hex(digit)}`),
  fc.constantFrom('&#', '&amp;#', '\\u0026#').map((head) => (digit: string) => `${head}${0x30 + Number(digit)};`),
  fc.constant((digit: string) => `&#x${hex(digit)};`),
)

/** References that go on in what stands behind them. */
const openReferences: fc.Arbitrary<(digit: string) => string> = fc.constantFrom(
  (digit: string) => `&#x${hex(digit)}`,
  (digit: string) => `&#${0x30 + Number(digit)}`,
)

const pieces: fc.Arbitrary<string> = fc.oneof(
  { arbitrary: pans, weight: 6 },
  {
    arbitrary: fc
      .tuple(
        pans,
        fc.oneof({ arbitrary: writings, weight: 4 }, openReferences),
        fc.constantFrom('', '', ...visibleSeparators, '\\n', '%20', ',', ...marks, ...visibleReferences, '</td> <td>'),
        fc.integer({ min: 1, max: 9 }),
      )
      .map(([pan, write, separator, size]) =>
        [...pan].map((digit, index) => (index > 0 && index % size === 0 ? separator : '') + write(digit)).join(''),
      ),
    weight: 4,
  },
  fc.tuple(pans, fc.nat(19), fc.nat(19)).map(([pan, a, b]) => pan.slice(Math.min(a, b), Math.max(a, b))),
  fc.stringMatching(/^[0-9]{1,25}$/),
  fc.stringMatching(/^[0-9]{1,4}( [0-9]{1,4}){1,8}$/),
  fc.constantFrom(...visibleSeparators, ...invisibleSeparators),
  fc.constantFrom(...marks, ...visibleReferences, ...invisibleReferences),
  fc.constantFrom(
    '<td>',
    '</td> <td>',
    '<x>',
    '<',
    '>',
    '&',
    '&#',
    ';',
    '<!--',
    '&lt;',
    '&gt;',
    '\\u003c',
    '   ',
    '<b ',
    ' <b',
  ),
  fc.constantFrom(
    "'",
    "' '",
    "' || '",
    '"',
    '","',
    '_',
    '/',
    '|',
    ',',
    ', ',
    '+',
    '*',
    '**',
    '****',
    '\\',
    '\\\\',
    '%',
    '\\n',
    '%20',
  ),
  fc.constantFrom(
    '^DOE/JOHN^2512101?',
    '^DOE/JOHN^2512',
    '=25121011234',
    '=2512',
    'D2512101',
    ';',
    '%B',
    'B',
    '?',
    '=',
    '^',
  ),
  fc.constantFrom(
    'e+15',
    'e',
    'E3',
    '-',
    '.',
    '.0',
    '{',
    '}',
    '[',
    ']',
    ':',
    'true',
    'PAN',
    'x',
    'é',
    'ж',
    '卡',
    '\u0e50',
  ),
  fc.string({ unit: 'grapheme', maxLength: 6 }),
)

/** Text made of such pieces. */
const cardTexts: fc.Arbitrary<string> = fc.array(pieces, { maxLength: 10 }).map((parts) => parts.join(''))

/** Bytes of such text, now and then broken. */
export const cardBytes: fc.Arbitrary<Uint8Array> = fc
  .tuple(cardTexts, fc.option(fc.tuple(fc.nat(400), fc.nat(255)), { freq: 4 }))
  .map(([text, damage]) => {
    const bytes = new TextEncoder().encode(text)
    if (damage !== null && bytes.length > 0) bytes[damage[0] % bytes.length] = damage[1]
    return bytes
  })
