/**
 * Passwords as SCRAM wants them. RFC 5802 §2.2: "normalizing … with the SASLprep profile [RFC4013] of the stringprep algorithm".
 *
 * PostgreSQL 18, src/common/saslprep.c: a password that SASLprep forbids, or that is not UTF-8, is used as it stands: so it is here.
 */

/** First and last code point. */
type Range = readonly [from: number, to: number]

/** RFC 3454 table C.1.2, non-ASCII spaces: RFC 4013 §2.1 maps them to a space. */
const spaces: readonly Range[] = [
  [0x00a0, 0x00a0],
  [0x1680, 0x1680],
  [0x2000, 0x200b],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
]

/** RFC 3454 table B.1, "commonly mapped to nothing". */
const nothing: readonly Range[] = [
  [0x00ad, 0x00ad],
  [0x034f, 0x034f],
  [0x1806, 0x1806],
  [0x180b, 0x180d],
  [0x200b, 0x200d],
  [0x2060, 0x2060],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
]

/** RFC 4013 §2.3: control, private use, non-character, surrogate, inappropriate, display-changing and tagging characters. */
const prohibited: readonly Range[] = [
  [0x0000, 0x001f],
  [0x007f, 0x009f],
  [0x0340, 0x0341],
  [0x06dd, 0x06dd],
  [0x070f, 0x070f],
  [0x180e, 0x180e],
  [0x200e, 0x200f],
  [0x2028, 0x202e],
  [0x2061, 0x2063],
  [0x206a, 0x206f],
  [0x2ff0, 0x2ffb],
  [0xd800, 0xf8ff],
  [0xfdd0, 0xfdef],
  [0xfff9, 0xffff],
  [0x1d173, 0x1d17a],
  [0xe0001, 0xe0001],
  [0xe0020, 0xe007f],
  [0xf0000, 0x10ffff],
]

/** RFC 3454 tables D.1 (right to left) and D.2 (left to right), by the scripts that passwords have. */
const RIGHT_TO_LEFT = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}]/u
const LEFT_TO_RIGHT = /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}]/u

/** Prepares a password. Plain ASCII stays as it is. */
export function prepareSasl(password: string): string {
  if (/^[ -~]*$/.test(password)) return password
  const prepared = [...password].map(mapped).join('').normalize('NFKC')
  const isForbidden = [...prepared].some((character) => isIn(character, prohibited))
  if (prepared === '' || isForbidden) return password
  // RFC 3454 §6: text with right-to-left characters must hold no left-to-right ones.
  return RIGHT_TO_LEFT.test(prepared) && LEFT_TO_RIGHT.test(prepared) ? password : prepared
}

function mapped(character: string): string {
  if (isIn(character, spaces)) return ' '
  return isIn(character, nothing) ? '' : character
}

function isIn(character: string, ranges: readonly Range[]): boolean {
  const code = character.codePointAt(0) ?? 0
  return ranges.some(([from, to]) => code >= from && code <= to)
}
