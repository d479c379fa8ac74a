/**
 * Writes the vectors of this folder, or of another: `node testdata/pan/generate.mjs [FOLDER]`. Same output on every run.
 *
 * It shares nothing with the detector: its own check digit (from the left, over a string), its own list of issuers, its own masking (of
 * cells that it composed itself), so that a mistake has to be made twice to go unseen.
 */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import path from 'node:path'

// ── chance ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

let state = 20261121
/** A number below `n`, from a linear congruential generator (Numerical Recipes). */
const below = (n) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  return Math.floor((state / 2 ** 32) * n)
}
const pick = (list) => list[below(list.length)]
const randomDigits = (n) => Array.from({ length: n }, () => String(below(10))).join('')
const randomHex = (n) => Array.from({ length: n }, () => '0123456789abcdef'[below(16)]).join('')

// ── cards ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

const remainder = (text) => {
  let sum = 0
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48
    const twice = (text.length - i) % 2 === 0
    sum += twice ? [0, 2, 4, 6, 8, 1, 3, 5, 7, 9][digit] : digit
  }
  return sum % 10
}

/** [brand, prefixes whose numbers are made, lengths]: the ends of every range and something between. */
const issuers = [
  ['visa', ['4', '40', '41', '49', '402400'], [13, 16, 18, 19]],
  ['mastercard', ['51', '53', '55', '2221', '2500', '2720'], [16]],
  ['american-express', ['34', '37'], [15]],
  ['discover', ['6011', '644', '649', '65', '622126', '622925'], [16, 19]],
  ['diners-club', ['300', '305', '3095', '36', '38', '39'], [14, 16, 19]],
  ['jcb', ['3528', '3555', '3589'], [16, 19]],
  ['jcb', ['1800', '2131'], [15]],
  ['unionpay', ['62', '81', '620', '6270', '8171'], [14, 16, 17, 18, 19]],
  ['maestro', ['50', '56', '58', '59', '63', '67', '69', '493698'], [12, 13, 14, 15, 16, 17, 18, 19]],
  ['mir', ['2200', '2202', '2204'], [16, 17, 18, 19]],
  ['rupay', ['60', '65', '81', '82', '508', '353', '356'], [16]],
  ['elo', ['401178', '438935', '457632', '504175', '506699', '509999', '636368', '650035', '655058'], [16]],
  ['hipercard', ['606282'], [13, 16, 19]],
  ['hiper', ['637095', '637568', '637612', '63737423'], [16]],
  ['troy', ['9792'], [16]],
  ['verve', ['506099', '507865', '650002'], [16, 18, 19]],
  ['naranja', ['589562'], [16]],
  ['uatp', ['1'], [15]],
  ['dankort', ['5019', '4571'], [16]],
  ['uzcard', ['8600'], [16]],
  ['humo', ['9860'], [16]],
  ['napas', ['9704'], [16, 19]],
  ['interpayment', ['636'], [16, 19]],
  ['lankapay', ['3571'], [16]],
]

const cardOf = (prefix, length) => {
  const body = prefix + randomDigits(length - prefix.length - 1)
  for (let check = 0; ; check++) if (remainder(body + check) === 0) return body + check
}

/** A number that is one of its issuer and, with a digit more or less, none of anybody: so that the expectation is exact. */
const anyCard = () => {
  const [, prefixes, lengths] = pick(issuers)
  return cardOf(pick(prefixes), pick(lengths))
}

/** As published: which beginnings go with which lengths. */
const published = [
  [/^4/, [13, 16, 18, 19]],
  [/^5[1-5]/, [16]],
  [/^(222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, [16]],
  [/^3[47]/, [15]],
  [/^(6011|64[4-9]|65)/, [16, 17, 18, 19]],
  [/^(30[0-5]|3095|36|38|39)/, [14, 15, 16, 17, 18, 19]],
  [/^35(2[89]|[3-8])/, [16, 17, 18, 19]],
  [/^(1800|2131)/, [15]],
  [/^(62|81)/, [14, 15, 16, 17, 18, 19]],
  [/^(50|5[6-9]|6|493698)/, [12, 13, 14, 15, 16, 17, 18, 19]],
  [/^220[0-4]/, [16, 17, 18, 19]],
  [/^(353|356|82)/, [16]],
  [/^(9792|8600|9860|9704)/, [16]],
  [/^9704/, [19]],
  [/^1/, [15]],
]
const isCard = (digits) =>
  /^\d{12,19}$/.test(digits) &&
  remainder(digits) === 0 &&
  published.some(([prefix, lengths]) => prefix.test(digits) && lengths.includes(digits.length))

// ── texts ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

const bytesOf = (text) => Buffer.byteLength(text)
/** A digit in some writing, and anything else: a value is a list of these, masked by replacing all digits but the last four. */
const digitCell = (text) => ({ text, digit: true })
const otherCell = (text) => ({ text, digit: false })
const write = (cells) => cells.map((cell) => cell.text).join('')
const mask = (cells) => {
  let left = cells.filter((cell) => cell.digit).length
  return cells.map((cell) => (cell.digit && left-- > 4 ? '*'.repeat(bytesOf(cell.text)) : cell.text)).join('')
}
const stars = (text) => '*'.repeat(bytesOf(text))

const groupsOf = (length) =>
  ({
    12: [4, 4, 4],
    13: [4, 4, 5],
    14: [4, 6, 4],
    15: [4, 6, 5],
    16: [4, 4, 4, 4],
    17: [4, 4, 4, 5],
    18: [4, 4, 4, 6],
    19: [4, 4, 4, 4, 3],
  })[length]

const grouped = (pan, separators, form = (digit) => digit) => {
  const cells = []
  let at = 0
  for (const [index, size] of groupsOf(pan.length).entries()) {
    if (index > 0) cells.push(otherCell(separators[(index - 1) % separators.length]))
    for (const digit of pan.slice(at, at + size)) cells.push(digitCell(form(digit)))
    at += size
  }
  return cells
}
const plain = (pan, form = (digit) => digit) => [...pan].map((digit) => digitCell(form(digit)))
const script = (zero) => (digit) => String.fromCodePoint(zero + Number(digit))
const escaped = (digit) => `\\u00${(0x30 + Number(digit)).toString(16)}`

/** name → how the number is written; `around` the text about it, `loose` when only the scrubber is to find it. */
const variants = {
  plain: { cells: (pan) => plain(pan) },
  'plain with .0': { cells: (pan) => plain(pan), around: ['', '.0'] },
  'JSON number in text': { cells: (pan) => plain(pan), around: ['{"n":', ',"m":1}'] },
  spaces: { cells: (pan) => grouped(pan, [' ']) },
  dashes: { cells: (pan) => grouped(pan, ['-']) },
  dots: { cells: (pan) => grouped(pan, ['.']) },
  'no-break spaces': { cells: (pan) => grouped(pan, ['\u00a0']) },
  'thin spaces': { cells: (pan) => grouped(pan, ['\u2009']) },
  'narrow no-break spaces': { cells: (pan) => grouped(pan, ['\u202f']) },
  'ideographic spaces': { cells: (pan) => grouped(pan, ['\u3000']) },
  'en dashes': { cells: (pan) => grouped(pan, ['\u2013']) },
  'em dashes': { cells: (pan) => grouped(pan, ['\u2014']) },
  'non-breaking hyphens': { cells: (pan) => grouped(pan, ['\u2011']) },
  'minus signs': { cells: (pan) => grouped(pan, ['\u2212']) },
  'middle dots': { cells: (pan) => grouped(pan, ['\u00b7']) },
  'zero-width spaces': { cells: (pan) => grouped(pan, ['\u200b']) },
  'zero-width joiner after every digit': { cells: (pan) => plain(pan, (digit) => digit).flatMap((cell) => [cell, otherCell('\u200d')]).slice(0, -1) },
  'byte order marks': { cells: (pan) => grouped(pan, ['\ufeff']) },
  'soft hyphens': { cells: (pan) => grouped(pan, ['\u00ad']) },
  'double spaces': { cells: (pan) => grouped(pan, ['  ']) },
  'space and dash': { cells: (pan) => grouped(pan, [' -']) },
  'mixed separators': { cells: (pan) => grouped(pan, [' ', '-', '\u2009', '.']) },
  'line feeds': { cells: (pan) => grouped(pan, ['\n']) },
  'carriage return and line feed': { cells: (pan) => grouped(pan, ['\r\n']) },
  tabs: { cells: (pan) => grouped(pan, ['\t']) },
  'line end within a group': {
    cells: (pan) => [...plain(pan.slice(0, 6)), otherCell('\n'), ...plain(pan.slice(6))],
  },
  'every digit apart': { cells: (pan) => plain(pan).flatMap((cell) => [cell, otherCell(' ')]).slice(0, -1) },
  'unusual groups': {
    cells: (pan) => [...plain(pan.slice(0, 4)), otherCell(' '), ...plain(pan.slice(4, -4)), otherCell(' '), ...plain(pan.slice(-4))],
  },
  'full-width digits': { cells: (pan) => plain(pan, script(0xff10)) },
  'full-width digits, ideographic spaces': { cells: (pan) => grouped(pan, ['\u3000'], script(0xff10)) },
  'Arabic-Indic digits': { cells: (pan) => plain(pan, script(0x660)) },
  'extended Arabic-Indic digits': { cells: (pan) => plain(pan, script(0x6f0)) },
  'Devanagari digits': { cells: (pan) => plain(pan, script(0x966)) },
  'mathematical bold digits': { cells: (pan) => plain(pan, script(0x1d7ce)) },
  'digits of two scripts': { cells: (pan) => [...pan].map((digit, i) => digitCell(script(i % 2 ? 0x660 : 0x30)(digit))) },
  'glued to letters': { cells: (pan) => plain(pan), around: ['PAN', 'X'] },
  'glued to underscores': { cells: (pan) => plain(pan), around: ['card_', '_x'] },
  'in Markdown bold': { cells: (pan) => grouped(pan, [' ']), around: ['**', '**'] },
  'beside other numbers': { cells: (pan) => plain(pan), around: ['12.50 on 2026-11-21 to ', ' code 00'] },
  'groups beside other numbers': { cells: (pan) => grouped(pan, [' ']), around: ['order 7 / ', ' / 2 items'], },
  'CSV row': { cells: (pan) => plain(pan), around: ['17,alice,', ',12/27,000'] },
  'CSV of its groups': { cells: (pan) => grouped(pan, [',']), lengths: [14, 15, 16] },
  'list of its groups': { cells: (pan) => grouped(pan, [', ']), lengths: [14, 15, 16] },
  'error detail': { cells: (pan) => plain(pan), around: ['Key (pan)=(', ') already exists.'] },
  'composite and array': { cells: (pan) => plain(pan), around: ['{"(1,', ',t)"}'] },
  XML: { cells: (pan) => plain(pan), around: ['<pan>', '</pan>'] },
  'JSON escapes': { cells: (pan) => plain(pan, escaped), around: ['{"pan":"', '"}'] },
  'JSON escapes, full width': { cells: (pan) => plain(pan, (digit) => `\\uFF1${digit}`), around: ['"', '"'] },
  'JSON within JSON': { cells: (pan) => plain(pan, (digit) => `\\${escaped(digit)}`), around: ['"{\\"pan\\":\\"', '\\"}"'] },
  'JSON: some digits escaped': { cells: (pan) => [...pan].map((digit, i) => digitCell(i % 3 ? digit : escaped(digit))), around: ['"', '"'] },
  'JSON: escaped separators': { cells: (pan) => grouped(pan, ['\\u00a0', '\\u2013', '\\t', '\\u0020']), around: ['"', '"'] },
  'JSON: escaped line ends': { cells: (pan) => grouped(pan, ['\\r\\n']), around: ['"', '"'] },
  'JSON: after an escaped backslash': { cells: (pan) => plain(pan, escaped), around: ['"\\\\', '"'] },
  'URL: %20': { cells: (pan) => grouped(pan, ['%20']), around: ['/pay?card=', '&x=1'] },
  'URL: %C2%A0': { cells: (pan) => grouped(pan, ['%C2%A0']), around: ['/pay?card=', '&x=1'] },
  'URL: digits': { cells: (pan) => plain(pan, (digit) => `%3${digit}`), around: ['/pay?card=', '&x=1'] },
  'URL: plus': { cells: (pan) => grouped(pan, ['+']), lengths: [14, 15, 16], around: ['card=', '&x=1'] },
  float: { cells: (pan) => [digitCell(pan[0]), otherCell('.'), ...plain(pan.slice(1))], around: ['', 'e+15'], lengths: [16] },
  'inside a longer run': { cells: (pan) => plain(pan), loose: 'inside' },
  'SQL: adjacent literals': { cells: (pan) => grouped(pan, ["' '"]), around: ["'", "'"], loose: true },
  'SQL: literals on lines': { cells: (pan) => grouped(pan, ["'\n  '"]), around: ["'", "'"], loose: true },
  'SQL: concatenation': { cells: (pan) => grouped(pan, ["' || '"]), around: ["select '", "'"], loose: true },
  'SQL: number with underscores': { cells: (pan) => grouped(pan, ['_']), around: ['select ', ';'], loose: true },
  'SQL: concat()': { cells: (pan) => grouped(pan, ["','"]), around: ["concat('", "')"], lengths: [14, 15, 16], loose: true },
  'three spaces': { cells: (pan) => grouped(pan, ['   ']), loose: true },
  slashes: { cells: (pan) => grouped(pan, ['/']), loose: true },
}

const contexts = [
  ['', ''],
  ['card: ', ''],
  ['(', ')'],
  ['"', '"'],
  ["insert into t values ('", "')"],
  ['Zahlung für „', '“'],
  ['номер ', ' конец'],
  ['卡号', '。'],
  ['<b>', '</b>'],
  ['a=', '&b=2'],
]

/** The digits about a number must not make another number with it, or what is expected depends on more than the number. */
const isAlone = (before, pan, after) => {
  const digits = `${before}${pan}${after}`.replaceAll(/\D/g, '')
  for (let from = 0; from < digits.length; from++) {
    for (let to = from + 12; to <= Math.min(digits.length, from + 19); to++) {
      const inside = from >= before.replaceAll(/\D/g, '').length && to <= before.replaceAll(/\D/g, '').length + pan.length
      if (!inside && isCard(digits.slice(from, to))) return false
    }
  }
  return true
}

const panVectors = () => {
  const vectors = []
  for (const [brand, prefixes, lengths] of issuers) {
    for (const prefix of prefixes) {
      for (const length of lengths) {
        const pan = cardOf(prefix, length)
        const [before, after] = pick(contexts)
        vectors.push({
          name: `${brand} ${prefix} ${length}`,
          text: before + pan + after,
          strict: before + mask(plain(pan)) + after,
          loose: before + mask(plain(pan)) + after,
        })
      }
    }
  }
  for (const [name, variant] of Object.entries(variants)) {
    for (let count = 0; count < 12; ) {
      const pan = anyCard()
      if (variant.lengths !== undefined && !variant.lengths.includes(pan.length)) continue
      const [before, after] = variant.loose === 'inside' ? ['9', '9'] : (variant.around ?? contexts[count % contexts.length])
      if (variant.loose === 'inside' && pan.length < 18) continue
      if (!isAlone(before, pan, after)) continue
      const cells = variant.cells(pan)
      const text = before + write(cells) + after
      const masked = before + mask(cells) + after
      vectors.push({ name, text, strict: variant.loose ? text : masked, loose: masked })
      count++
    }
  }
  return vectors
}

const trackVectors = () => {
  const vectors = []
  const forms = {
    'track 1': (pan) => ['', `%B${pan}^DOE/JOHN^29121010000000000?`, ''],
    'track 1 in JSON': (pan) => ['{"t":"', `%B${pan}^DOE/JANE MS^30061010000000000000?`, '"}'],
    'track 1, padded name': (pan) => ['', `%B${pan}^${'DOE/J'.padEnd(26)}^2501201?`, ' end'],
    'track 1 without sentinels': (pan) => ['x ', `B${pan}^DOE/JOHN^2912101000`, ' y'],
    'track 2': (pan) => ['', `;${pan}=29121010000012300000?`, ''],
    'track 2, short': (pan) => ['', `;${pan}=2912`, '!'],
    'track 2 without sentinels': (pan) => ['raw: ', `${pan}=29121011234`, ' end'],
    'track 2 equivalent of a chip': (pan) => ['57=', `${pan}D29122010000012345F`, ''],
    'both tracks': (pan) => ['', `%B${pan}^DOE/JOHN^2912101000?`, '\n'],
  }
  for (const [name, form] of Object.entries(forms)) {
    for (let count = 0; count < 6; ) {
      const pan = anyCard()
      if (!isAlone('', pan, '') || name.startsWith('both')) {
        if (!name.startsWith('both')) continue
      }
      const [before, track, after] = form(pan)
      vectors.push({ name, text: before + track + after, scrubbed: before + stars(track) + after })
      count++
    }
  }
  return vectors
}

// ── numbers and JSON ────────────────────────────────────────────────────────────────────────────────────────────────────────────

const strip = (digits) => digits.replace(/0+$/, '')
const numberVectors = () => {
  const vectors = []
  for (let i = 0; i < 60; i++) {
    const pan = anyCard()
    const significant = strip(pan)
    vectors.push({ name: 'integer', text: pan, refuse: true })
    vectors.push({ name: 'negative integer', text: `-${pan}`, refuse: true })
    vectors.push({ name: 'zero fraction', text: `${pan}.00`, refuse: true })
    vectors.push({ name: 'long zero fraction', text: `${pan}.${'0'.repeat(40 + below(200))}`, refuse: true })
    // Whole units are a shorter number.
    if (!pan.endsWith('00')) vectors.push({ name: 'cents', text: `${pan.slice(0, -2)}.${pan.slice(-2)}`, refuse: true })
    vectors.push({ name: 'with cents', text: `${pan}.50`, refuse: true })
    if (significant.length >= 12) {
      const exponent = pan.length - 1
      vectors.push({ name: 'float', text: `${significant[0]}.${significant.slice(1)}e+${exponent}`, refuse: true })
    }
    vectors.push({ name: 'array', text: `{1,${pan},2}`, refuse: true })
    vectors.push({ name: 'range', text: `[1,${pan})`, refuse: true })
  }
  for (let i = 0; i < 120; i++) {
    const digits = pick(['1', '4', '5', '6', '3']) + randomDigits(11 + below(8))
    if (!isCard(digits)) vectors.push({ name: 'no card', text: digits, refuse: false })
  }
  for (let i = 0; i < 60; i++) {
    vectors.push({ name: 'epoch ns', text: `17${randomDigits(17)}`, refuse: false })
    vectors.push({ name: 'double', text: `${below(1000)}.${1 + below(9)}${randomDigits(13)}`, refuse: false })
    vectors.push({ name: 'probability', text: `0.${randomDigits(16)}`, refuse: false })
    vectors.push({ name: 'small exponent', text: `${1 + below(9)}.${randomDigits(15)}e-${1 + below(200)}`, refuse: false })
    vectors.push({ name: 'long', text: `4${randomDigits(30 + below(60))}`, refuse: false })
  }
  for (const text of ['NaN', 'Infinity', '-Infinity', '0', '-1', '1e400', '', '{}', '{NULL}']) {
    vectors.push({ name: 'special', text, refuse: false })
  }
  return vectors
}

const jsonVectors = () => {
  const vectors = []
  for (let i = 0; i < 20; i++) {
    const pan = anyCard()
    const masked = mask(plain(pan))
    const escapes = plain(pan, escaped)
    vectors.push({ name: 'string', text: `{"pan":"${pan}"}`, masked: `{"pan":"${masked}"}` })
    vectors.push({ name: 'name of a member', text: `{"${pan}":1}`, masked: `{"${masked}":1}` })
    vectors.push({ name: 'deep', text: `[[[{"a":["x","${pan}"]}]]]`, masked: `[[[{"a":["x","${masked}"]}]]]` })
    vectors.push({
      name: 'pretty',
      text: `{\n  "pan" : "${write(grouped(pan, [' ']))}",\n  "n" : 12\n}`,
      masked: `{\n  "pan" : "${mask(grouped(pan, [' ']))}",\n  "n" : 12\n}`,
    })
    vectors.push({ name: 'escaped', text: `{"pan":"${write(escapes)}"}`, masked: `{"pan":"${mask(escapes)}"}` })
    vectors.push({
      name: 'after quotes and backslashes',
      text: `{"a":"\\"\\\\","b":"\\\\\\"${pan}\\\\"}`,
      masked: `{"a":"\\"\\\\","b":"\\\\\\"${masked}\\\\"}`,
    })
    vectors.push({ name: 'two', text: `["${pan}","${pan}"]`, masked: `["${masked}","${masked}"]` })
    vectors.push({ name: 'number', text: `{"n":${pan}}`, refuse: true })
    vectors.push({ name: 'number at the top', text: pan, refuse: true })
    vectors.push({ name: 'number and string', text: `["${pan}",${pan}]`, refuse: true })
    vectors.push({ name: 'number with a fraction', text: `{"n":-${pan}.0,"s":"x"}`, refuse: true })
    const groups = write(grouped(pan, ['|'])).split('|')
    vectors.push({ name: 'array of its groups as numbers', text: `[${groups.map(Number).join(',')}]`, masked: `[${groups.map(Number).join(',')}]` })
    vectors.push({ name: 'array of its groups as strings', text: `["${groups.join('","')}"]`, masked: `["${groups.join('","')}"]` })
    vectors.push({ name: 'pretty array of numbers', text: `[\n ${groups.map(Number).join(',\n ')}\n]`, masked: `[\n ${groups.map(Number).join(',\n ')}\n]` })
  }
  return vectors
}

// ── look-alikes ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

const iban = (country, bban) => {
  const number = [...`${bban}${country}00`].map((c) => Number.parseInt(c, 36)).join('')
  return `${country}${String(98n - (BigInt(number) % 97n)).padStart(2, '0')}${bban}`
}
const spaced = (text) => text.replaceAll(/(.{4})(?=.)/g, '$1 ')
const octet = () => below(256)
const ipv4 = () => `${octet()}.${octet()}.${octet()}.${octet()}`
const two = (n) => String(n).padStart(2, '0')
const uuid = (hex) => `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
const day = () => two(1 + below(28))
const month = () => two(1 + below(12))
const double = () => `${below(180)}.${1 + below(9)}${randomDigits(12 + below(2))}`

/** Left alone, always. */
const lookalikes = {
  'UUID version 4': () => uuid(randomHex(32)),
  'UUID of digits': () => uuid(randomDigits(32)),
  'UUID ending in a card': () => uuid(randomHex(20) + cardOf(pick(['50', '63', '67']), 12)),
  'MD5 with a card in it': () => `${randomHex(7)}a${cardOf('4', 16)}${randomHex(8)}`,
  'SHA-1': () => createHash('sha1').update(String(below(1e9))).digest('hex'),
  'SHA-256': () => createHash('sha256').update(String(below(1e9))).digest('hex'),
  'SHA-256 with a card in it': () => `${randomHex(20)}f${cardOf('5555', 16)}e${randomHex(26)}`,
  'bytea with a card in it': () => `\\x${randomHex(9)}c${cardOf('5555', 16)}${randomHex(8)}`,
  'long hexadecimal with a card in it': () => `${randomHex(140)}e${cardOf('4', 16)}f${randomHex(30)}`,
  'epoch in ms': () => `17${randomDigits(11)}`,
  'epoch in µs': () => `17${randomDigits(14)}`,
  'epoch in ns': () => `17${randomDigits(17)}`,
  'snowflake id': () => `19${randomDigits(17)}`,
  'IBAN of Germany': () => spaced(iban('DE', randomDigits(18))),
  'IBAN of Germany, one piece': () => iban('DE', randomDigits(18)),
  'IBAN of Britain': () => spaced(iban('GB', `NWBK${pick(['60', '40', '50'])}${randomDigits(12)}`)),
  'IBAN of Belgium': () => iban('BE', randomDigits(12)),
  'IBAN of Denmark': () => spaced(iban('DK', randomDigits(14))),
  'IBAN of Switzerland': () => spaced(iban('CH', randomDigits(17))),
  'IBAN in a sentence': () => `transfer to ${spaced(iban('NL', `ABNA${randomDigits(10)}`))} until 12`,
  IPv4: ipv4,
  'IPv4 pair': () => `192.168.${below(10)}.${100 + below(99)} 10.${octet()}.${100 + below(99)}.${below(10)}`,
  'ISO 8601': () => `20${two(20 + below(10))}-${month()}-${day()}T${two(below(24))}:${two(below(60))}:${two(below(60))}.${randomDigits(6)}Z`,
  'timestamp of PostgreSQL': () => `20${two(20 + below(10))}-${month()}-${day()} ${two(below(24))}:${two(below(60))}:${two(below(60))}.${randomDigits(6)}+00`,
  'timestamp in digits': () => `20${two(20 + below(2))}${month()}${day()}${randomDigits(6)}`,
  'dates in a row': () => `20${two(10 + below(10))}-${month()}-${day()} 20${two(10 + below(10))}-${month()}-${day()}`,
  'phone with plus': () => `+${pick(['49', '62', '63', '57', '55', '65'])} ${randomDigits(3)} ${randomDigits(4)} ${randomDigits(4)}`,
  'phone with plus, one piece': () => `+${pick(['49', '62', '63', '57'])}${randomDigits(10)}`,
  'two phones': () => `415-555-${randomDigits(4)} 415-555-${randomDigits(4)}`,
  'coordinates in text': () => `POINT(-${double()} ${double()})`,
  probability: () => `p=0.${randomDigits(16)}`,
  'double in text': () => `${1 + below(9)}.${randomDigits(15)}`,
  'list of small numbers': () => Array.from({ length: 12 }, () => below(100)).join(', '),
  'list of numbers': () => Array.from({ length: 12 }, () => 1000 + below(9000)).join(', '),
  'lines of numbers': () => Array.from({ length: 12 }, () => 10 + below(90)).join('\n'),
  'eleven digits': () => randomDigits(11),
  'twenty digits and more': () => `4${randomDigits(19 + below(20))}`,
  'MAC address': () => [1, 2, 3, 4, 5, 6].map(() => randomHex(2)).join(':'),
  'semantic version': () => `${below(20)}.${below(30)}.${below(40)}-rc.${below(9)}`,
}

/** Looked at, and altered when the digits happen to pass: one in ten of those with an issuer's prefix. */
const byChance = {
  'account number of 16 digits': () => pick(['4', '51', '60', '81']) + randomDigits(14),
  'order number': () => `${pick(['4', '5', '6'])}${randomDigits(3)}-${randomDigits(4)}-${randomDigits(4)}-${randomDigits(4)}`,
  'EAN-13': () => `${pick(['40', '69', '50', '57'])}${randomDigits(11)}`,
  'national number in groups of four': () => `${pick(['50', '61', '67'])}${randomDigits(2)} ${randomDigits(4)} ${randomDigits(4)}`,
  'phone without plus': () => `${pick(['62', '63', '57'])} ${randomDigits(3)} ${randomDigits(4)} ${randomDigits(4)}`,
  'two numbers side by side': () => `${pick(['4', '62'])}${randomDigits(5)} ${randomDigits(7)}`,
  'two dates, day first': () => `30-${month()}-2024 ${day()}-${month()}-2025`,
  'eight numbers on eight lines': () => Array.from({ length: 8 }, () => 10 + below(90)).join('\n'),
  'digits within a word': () => `INV${pick(['4', '5'])}${randomDigits(15)}A`,
}

const lookalikeVectors = () =>
  Object.entries(lookalikes).flatMap(([name, make]) => Array.from({ length: 25 }, () => ({ name, text: make() })))

const chanceVectors = () => {
  const vectors = []
  for (const [name, make] of Object.entries(byChance)) {
    for (let altered = 0, left = 0; altered < 4 || left < 8; ) {
      const text = make()
      const card = isCard(text.replaceAll(/\D/g, ''))
      if (card ? altered >= 4 : left >= 8) continue
      if (card) altered++
      else left++
      vectors.push({ name, text, altered: card })
    }
  }
  return vectors
}

// ── markup ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Each group between an opening and a closing tag. */
const wrapped = (pan, open, close, between) => {
  const cells = []
  let at = 0
  for (const [index, size] of groupsOf(pan.length).entries()) {
    cells.push(otherCell(index > 0 ? between + open : open))
    cells.push(...plain(pan.slice(at, at + size)), otherCell(close))
    at += size
  }
  return cells
}
const decimalReference = (digit) => `&#${48 + Number(digit)};`
const hexReference = (digit) => `&#x3${digit};`

/** name → how the number is written; as `variants`. `unseen`: nobody finds it. */
const markup = {
  '&nbsp;': { cells: (pan) => grouped(pan, ['&nbsp;']) },
  '&nbsp without semicolon': { cells: (pan) => grouped(pan, ['&nbsp']) },
  '&#160;': { cells: (pan) => grouped(pan, ['&#160;']) },
  '&#xA0;': { cells: (pan) => grouped(pan, ['&#xA0;']) },
  '&#X0a0;': { cells: (pan) => grouped(pan, ['&#X0a0;']) },
  '&#32;': { cells: (pan) => grouped(pan, ['&#32;']) },
  '&ensp;, &thinsp;, &NonBreakingSpace;': { cells: (pan) => grouped(pan, ['&ensp;', '&thinsp;', '&NonBreakingSpace;']) },
  '&ndash;': { cells: (pan) => grouped(pan, ['&ndash;']) },
  '&#8209;': { cells: (pan) => grouped(pan, ['&#8209;']) },
  '&hyphen;, &minus;': { cells: (pan) => grouped(pan, ['&hyphen;', '&minus;']) },
  '&middot;': { cells: (pan) => grouped(pan, ['&middot;']) },
  '&shy;': { cells: (pan) => grouped(pan, ['&shy;']) },
  '&shy; after every digit': { cells: (pan) => plain(pan).flatMap((cell) => [cell, otherCell('&shy;')]).slice(0, -1) },
  '&zwnj;, &#8203;, &ZeroWidthSpace;': { cells: (pan) => grouped(pan, ['&zwnj;', '&#8203;', '&ZeroWidthSpace;']) },
  'references within references': { cells: (pan) => grouped(pan, ['&amp;nbsp;', '&amp;amp;#160;']) },
  'references in JSON': { cells: (pan) => grouped(pan, ['\\u0026nbsp;']), around: ['{"html":"', '"}'] },
  'digits as &#52;': { cells: (pan) => plain(pan, decimalReference) },
  'digits as &#x34;': { cells: (pan) => plain(pan, hexReference) },
  'digits as &#52': { cells: (pan) => plain(pan, (digit) => decimalReference(digit).slice(0, -1)), around: ['card ', '.'] },
  'digits as &#0052;': { cells: (pan) => plain(pan, (digit) => `&#00${48 + Number(digit)};`) },
  'digits as &amp;#52;': { cells: (pan) => plain(pan, (digit) => `&amp;${decimalReference(digit).slice(1)}`) },
  'digits as \\u0026#52;': { cells: (pan) => plain(pan, (digit) => `\\u0026${decimalReference(digit).slice(1)}`), around: ['"', '"'] },
  'some digits as references': { cells: (pan) => [...pan].map((digit, i) => digitCell(i % 3 ? digit : decimalReference(digit))) },
  'digits and spaces as references': { cells: (pan) => grouped(pan, ['&nbsp;'], hexReference) },
  'groups in <b>': { cells: (pan) => wrapped(pan, '<b>', '</b>', ' ') },
  'groups in <span>, nothing between': { cells: (pan) => wrapped(pan, '<span class="n">', '</span>', '') },
  'groups in <SPAN STYLE>': { cells: (pan) => wrapped(pan, '<SPAN STYLE="color:#001122;margin:0 4px">', '</SPAN>', '&nbsp;') },
  'groups in <b><i>': { cells: (pan) => wrapped(pan, '<b><i>', '</i></b>', '') },
  'groups in <code>, on lines of their own': { cells: (pan) => wrapped(pan, '<code>', '</code>', '\n          ') },
  'blanks before a tag': { cells: (pan) => grouped(pan, ['\n      <b>', '\r\n      </b>']) },
  'some groups in <b>': { cells: (pan) => grouped(pan, ['</b> ', ' <b>']), around: ['<b>', ''] },
  'last four in <b>': { cells: (pan) => [...plain(pan.slice(0, -4)), otherCell('<b>'), ...plain(pan.slice(-4))], around: ['', '</b>'] },
  'a tag within a group': { cells: (pan) => [...plain(pan.slice(0, 6)), otherCell('<b>'), ...plain(pan.slice(6))], around: ['', '</b>'] },
  'every digit in <span>': { cells: (pan) => [...pan].flatMap((digit) => [otherCell('<span>'), digitCell(digit), otherCell('</span>')]) },
  '<br>': { cells: (pan) => grouped(pan, ['<br>', '<br />\n', '<br/>']) },
  '<wbr>': { cells: (pan) => grouped(pan, ['<wbr>']) },
  'a comment': { cells: (pan) => grouped(pan, ['<!-- 2 -->']) },
  'tags in JSON: <\\/b>': { cells: (pan) => wrapped(pan, '<b class=\\"n\\">', '<\\/b>', ' '), around: ['{"html":"', '"}'] },
  'tags in JSON: \\u003c': { cells: (pan) => wrapped(pan, '\\u003cb\\u003e', '\\u003c/b\\u003e', ' '), around: ['{"html":"', '"}'] },
  'tags in JSON within JSON': { cells: (pan) => wrapped(pan, '\\\\u003cb\\\\u003e', '\\\\u003c/b\\\\u003e', ' '), around: ['"{\\"html\\":\\"', '\\"}"'] },
  'escaped tags': { cells: (pan) => wrapped(pan, '&lt;b&gt;', '&lt;/b&gt;', ' ') },
  'escaped tags, twice': { cells: (pan) => wrapped(pan, '&amp;lt;b&amp;gt;', '&amp;lt;/b&amp;gt;', ' ') },
  'cells of a table': { cells: (pan) => wrapped(pan, '<td>', '</td>', ''), around: ['<tr>', '</tr>'], lengths: [14, 15, 16] },
  'cells of a table on lines': { cells: (pan) => wrapped(pan, '<td class="n">', '</td>', '\n        '), around: ['<tr>', '</tr>'], lengths: [14, 15, 16] },
  'items of a list': { cells: (pan) => wrapped(pan, '<li>', '</li>', '\n'), around: ['<ul>', '</ul>'], lengths: [14, 15, 16] },
  'one cell among others': { cells: (pan) => plain(pan), around: ['<tr><td>7</td><td>', '</td><td>12</td></tr>'] },
  'one cell of groups among others': { cells: (pan) => grouped(pan, [' ']), around: ['<tr><td>7</td><td>', '</td><td>12</td></tr>'] },
  'one cell of <b> among others': { cells: (pan) => wrapped(pan, '<b>', '</b>', ' '), around: ['<td>7</td><td>', '</td><td>12</td>'] },
  'a list in a cell': { cells: (pan) => grouped(pan, [', ']), around: ['<td>', '</td><td>12</td>'], lengths: [14, 15, 16] },
  'unusual groups beside a tag': {
    cells: (pan) => [...plain(pan.slice(0, 6)), otherCell(' '), ...plain(pan.slice(6, -4)), otherCell(' '), ...plain(pan.slice(-4))],
    around: ['<b>', '</b> 12'],
  },
  'a note behind it': { cells: (pan) => plain(pan), around: ['', '<sup>2</sup>'] },
  'a note before it': { cells: (pan) => plain(pan), around: ['<sup>1</sup>', ''] },
  'in an attribute': { cells: (pan) => plain(pan), around: ['1<a href="/card/', '">2</a>'] },
  'in an attribute, with references': { cells: (pan) => grouped(pan, ['&nbsp;']), around: ['<b title="', '">12</b>'] },
  'in a comment': { cells: (pan) => grouped(pan, [' ']), around: ['12<!-- ', ' -->34'] },
  'groups in Markdown bold': { cells: (pan) => grouped(pan, ['** ', ' **']), around: ['**', ''] },
  'last four in Markdown bold': { cells: (pan) => [...plain(pan.slice(0, -4)), otherCell(' **'), ...plain(pan.slice(-4))], around: ['', '**'] },
  'groups in Markdown emphasis': { cells: (pan) => grouped(pan, ['* *']), around: ['*', '*'] },
  'a part of a group in Markdown bold': { cells: (pan) => [...plain(pan.slice(0, 6)), otherCell('**'), ...plain(pan.slice(6))], around: ['', '**'] },
  'keycaps': { cells: (pan) => plain(pan).flatMap((cell) => [cell, otherCell('\ufe0f\u20e3')]) },
  'fields of XML': { cells: (pan) => wrapped(pan, '<field>', '</field>', ''), unseen: true },
  'attributes of their own': { cells: (pan) => grouped(pan, ['"><input value="']), around: ['<input value="', '">'], unseen: true },
  'quoted-printable': { cells: (pan) => grouped(pan, ['=20']), unseen: true },
  'quoted-printable: soft line end': { cells: (pan) => [...plain(pan.slice(0, 6)), otherCell('=\r\n'), ...plain(pan.slice(6))], unseen: true },
  'percent signs encoded as well': { cells: (pan) => grouped(pan, ['%2520']), unseen: true },
  'escapes of programming languages': { cells: (pan) => plain(pan, (digit) => `\\x3${digit}`), unseen: true },
  'circled digits': { cells: (pan) => [...pan].map((digit) => otherCell(String.fromCodePoint(digit === '0' ? 0x24ea : 0x245f + Number(digit)))), unseen: true },
}

const markupVectors = () => {
  const vectors = []
  for (const [name, variant] of Object.entries(markup)) {
    for (let count = 0; count < 8; ) {
      const pan = anyCard()
      if (variant.lengths !== undefined && !variant.lengths.includes(pan.length)) continue
      // A part of it that is another number is found by whoever does not see the whole.
      if (variant.unseen && (pan.length !== 16 || isCard(pan.slice(6)) || isCard(pan.slice(0, 12)) || isCard(pan.slice(4)))) continue
      const [before, after] = variant.around ?? [['', ''], ['<p>card: ', '</p>'], ['"', '"'], ['(', ').']][count % 4]
      if (!isAlone(before, pan, after)) continue
      const cells = variant.cells(pan)
      const text = before + write(cells) + after
      const masked = variant.unseen ? text : before + mask(cells) + after
      vectors.push({ name, text, strict: masked, loose: masked })
      count++
    }
  }
  return vectors
}

const cell = (text) => `<td>${text}</td>`
const cellsOf = (count, make) => Array.from({ length: count }, () => cell(make())).join('')
const amount = () => `${1 + below(9)}&thinsp;${randomDigits(3)},${randomDigits(2)}`

/** Left alone, always. */
const markupLookalikes = {
  'row of a table': () => `<tr>${cellsOf(12, () => 1000 + below(9000))}</tr>`,
  'rows of a table': () => Array.from({ length: 4 }, () => `<tr>\n  ${cellsOf(4, () => 1000 + below(9000))}\n</tr>`).join('\n'),
  'row of ids, dates and amounts': () => `<tr>${cell(below(1e6))}${cell(`20${two(10 + below(10))}-${month()}-${day()}`)}${cell(amount())}${cell(below(1e6))}</tr>`,
  'epochs in cells': () => cellsOf(5, () => `17${randomDigits(11)}`),
  'UUID in <code>': () => `<code>${uuid(randomHex(32))}</code>`,
  'IBAN with &nbsp;': () => spaced(iban('DE', randomDigits(18))).replaceAll(' ', '&nbsp;'),
  'IBAN with &#160;': () => spaced(iban('FR', `${randomDigits(10)}${pick(['40', '51', '60'])}${randomDigits(11)}`)).replaceAll(' ', '&#160;'),
  'IBAN with no-break spaces': () => spaced(iban('GB', `NWBK${pick(['60', '40', '50'])}${randomDigits(12)}`)).replaceAll(' ', '\u00a0'),
  'phone with plus and &nbsp;': () => `+${pick(['49', '62', '63', '57'])}&nbsp;${randomDigits(3)}&nbsp;${randomDigits(3)}&nbsp;${randomDigits(4)}`,
  'phone with plus and &#160;': () => `<b>+${pick(['49', '62', '63', '57'])}&#160;${randomDigits(3)}&#160;${randomDigits(6)}</b>`,
  'fields of XML': () => `<id>${randomDigits(8)}</id><date>20261121</date><ref>${randomDigits(8)}</ref>`,
  'periods with &ndash;': () => `20${two(10 + below(10))}-${month()}-${day()}&ndash;20${two(10 + below(10))}-${month()}-${day()}`,
  'last fours in Markdown': () => `**** ${randomDigits(4)}, **** ${randomDigits(4)}, **** ${randomDigits(4)}, **** ${randomDigits(4)}`,
  'last fours with four asterisks': () => Array.from({ length: 4 }, () => `****${randomDigits(4)}`).join(' '),
  'truncated numbers': () => Array.from({ length: 3 }, () => `************${randomDigits(4)}`).join(', '),
  product: () => `${1000 + below(9000)} * ${1000 + below(9000)} * ${1000 + below(9000)} * ${1000 + below(9000)}`,
  'long numbers in attributes': () => `<span data-at="17${randomDigits(11)}" style="margin:0 0 0 0;width:1234.5px">${below(1e6)}</span>`,
  'CSS colours': () => `<font color="#${randomHex(6)}">${below(100)}</font> <font color="#${randomHex(6)}">${below(100)}</font>`,
}

const markupLookalikeVectors = () =>
  Object.entries(markupLookalikes).flatMap(([name, make]) => Array.from({ length: 40 }, () => ({ name, text: make() })))

// ── forms that were missed, or mistaken, once ───────────────────────────────────────────────────────────────────────────────────

/** `\\ud835\\udfd2`: JSON has no other escape for what lies beyond U+FFFF. */
const astral = (slashes) => (digit) =>
  [...Buffer.from(String.fromCodePoint(0x1d7ce + Number(digit)), 'utf16le').swap16().toString('hex').match(/.{4}/g)].map((unit) => `${slashes}u${unit}`).join('')
const thousands = (pan, separator) => [...pan].flatMap((digit, at) => (at > 0 && (pan.length - at) % 3 === 0 ? [otherCell(separator), digitCell(digit)] : [digitCell(digit)]))

const more = {
  'JSON escapes, mathematical digits': { cells: (pan) => plain(pan, astral('\\')), around: ['"', '"'] },
  'JSON within JSON, mathematical digits': { cells: (pan) => plain(pan, astral('\\\\')), around: ['"{\\"pan\\":\\"', '\\"}"'] },
  'JSON: mathematical digits after an escaped backslash': { cells: (pan) => plain(pan, astral('\\')), around: ['"\\\\', '"'] },
  'JSON: mathematical digits and spaces': { cells: (pan) => grouped(pan, ['\\u00a0'], astral('\\')), around: ['"', '"'] },
  'thousands with narrow no-break spaces': { cells: (pan) => thousands(pan, '\u202f') },
  'thousands with points': { cells: (pan) => thousands(pan, '.') },
  'Japanese prolonged sound marks': { cells: (pan) => grouped(pan, ['\u30fc'], script(0xff10)) },
  'Japanese prolonged sound marks, half width': { cells: (pan) => grouped(pan, ['\uff70']) },
  'tag characters': { cells: (pan) => plain(pan).flatMap((cell) => [cell, otherCell('\u{e0020}')]).slice(0, -1) },
  'variation selectors beyond U+FFFF': { cells: (pan) => plain(pan).flatMap((cell) => [cell, otherCell('\\udb40\\udd00')]).slice(0, -1), around: ['"', '"'] },
  'an amount in euros': { cells: (pan) => thousands(pan, '\u202f'), around: ['', '\u00a0€'] },
}

const moreVectors = () => {
  const vectors = []
  for (const [name, variant] of Object.entries(more)) {
    for (let count = 0; count < 8; ) {
      const pan = anyCard()
      const [before, after] = variant.around ?? contexts[count % contexts.length]
      if (!isAlone(before, pan, after)) continue
      const cells = variant.cells(pan)
      const masked = before + mask(cells) + after
      vectors.push({ name, text: before + write(cells) + after, strict: masked, loose: masked })
      count++
    }
  }
  return vectors
}

const fixed = (most, places) => `${pick(['', '-'])}${below(most)}.${randomDigits(places)}`
const place = (places) => `${fixed(180, places)} ${fixed(90, places)}`
const price = () => `${1 + below(99)}.${randomDigits(2)}`

/** Left alone, always: of each kind those whose digits, taken together, are a card number. */
const decimals = {
  'coordinates as PostGIS writes them': () => `POINT(${place(4 + below(4))})`,
  'coordinates of a line': () => `LINESTRING(${place(6)},${place(6)})`,
  'latitude and longitude': () => place(6),
  'latitude, longitude and height': () => `${place(4)} ${fixed(90, 2)}`,
  'coordinates in GML': () => `<gml:pos>${place(6)}</gml:pos>`,
  'prices in a row': () => `${price()} ${price()} ${price()} ${price()}`,
  'prices between tabs': () => `${price()}\t${price()}\t${price()}\t${price()}`,
}

const decimalVectors = () =>
  Object.entries(decimals).flatMap(([name, make]) =>
    Array.from({ length: 25 }, () => {
      for (;;) {
        const text = make()
        if (text.split(',').some((part) => isCard(part.replaceAll(/\D/g, '')))) return { name, text }
      }
    }),
  )

// ── files ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

const save = (file, about, vectors) => {
  const lines = vectors.map((vector) => `    ${JSON.stringify(vector)}`).join(',\n')
  writeFileSync(path.join(process.argv[2] ?? import.meta.dirname, file), `{\n  "about": ${JSON.stringify(about)},\n  "vectors": [\n${lines}\n  ]\n}\n`)
}

save('numbers-in-text.json', 'A card number in text: what results (strict) and records (loose) show of it; equal to text: not found.', panVectors())
save('tracks.json', 'Sensitive authentication data: a result with it is refused, a record shows asterisks.', trackVectors())
save('numeric.json', 'Values of numeric types: whether the result is refused.', numberVectors())
save('json.json', 'Values of JSON types: what they become, or that the result is refused.', jsonVectors())
save('lookalikes.json', 'What looks like a card number and is none: results leave it alone.', lookalikeVectors())
save('by-chance.json', 'Kinds of values that are altered in results when their digits pass by chance (altered: true); by design.', chanceVectors())
save('markup.json', 'A card number in HTML, XML or Markdown: what results (strict) and records (loose) show of it; equal to text: not found.', markupVectors())
save('markup-lookalikes.json', 'What looks like a card number with markup in it and is none: results leave it alone.', markupLookalikeVectors())
save('more-numbers-in-text.json', 'As numbers-in-text.json: forms that were missed once.', moreVectors())
save('decimal-lookalikes.json', 'Decimal numbers whose digits, taken together, are a card number: results leave them alone.', decimalVectors())
