import type { Bytes } from '#base'
import { PLAIN, strictAlphabet } from './alphabet.ts'
import { kindOf, widthOf } from './token.ts'
import { readToken } from './tokens.ts'

/** Country code and number of characters, from the IBAN registry (ISO 13616-2). */
const registry =
  'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 ' +
  'FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 ' +
  'LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 ' +
  'SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'

const lengths = new Map(
  registry.split(' ').map((entry) => [pair(entry.charCodeAt(0), entry.charCodeAt(1)), Number(entry.slice(2))]),
)

/** The longest number, LC32 or RU33, with eight times `&#160;` in it. */
const maxIbanBytes = 81

/**
 * Whether the bytes `start` to `end` lie in an international bank account number (ISO 13616): a country of the registry, its length,
 * the remainder of 1 modulo 97, in one piece or in groups of four with a separator between, as it is or as a reference of HTML.
 */
export function isInIban(bytes: Bytes, start: number, end: number, origin: number, to: number): boolean {
  const earliest = Math.max(origin, end - maxIbanBytes)
  for (let at = start - 1; at >= earliest; at -= 1) {
    const byte = bytes[at] ?? 0
    if (!mayBeInIban(byte)) return false
    const length = lengths.get(pair(byte, bytes[at + 1] ?? 0))
    if (length === undefined || (at > origin && characterValue(bytes[at - 1] ?? 0) >= 0)) continue
    if (ibanEnd(bytes, at, length, to) >= end) return true
  }
  return false
}

/** The end of the valid account number of this length that begins at `at`, or -1. */
function ibanEnd(bytes: Bytes, at: number, length: number, to: number): number {
  const gap = gapWidth(bytes, at + 4, to)
  let rest = 0
  let head = 0
  let index = at
  for (let count = 0; count < length; count += 1) {
    if (gap > 0 && count > 0 && count % 4 === 0) {
      if (gapWidth(bytes, index, to) !== gap) return -1
      index += gap
    }
    const value = index < to ? characterValue(bytes[index] ?? 0) : -1
    if (value < 0 || ((count === 2 || count === 3) && value > 9)) return -1
    if (count < 4) head = value < 10 ? 10 * head + value : 100 * head + value
    else rest = (value < 10 ? 10 * rest + value : 100 * rest + value) % 97
    index += 1
  }
  if (index < to && characterValue(bytes[index] ?? 0) >= 0) return -1
  // ISO 13616: the first four characters go to the end, letters count 10 to 35, and the number modulo 97 is 1.
  return (rest * 1_000_000 + head) % 97 === 1 ? index : -1
}

/** The bytes of the separator at an offset; 0 when there is none. */
function gapWidth(bytes: Bytes, at: number, to: number): number {
  if (at >= to) return 0
  const token = readToken(bytes, at, to, strictAlphabet.kinds)
  return kindOf(token) === PLAIN ? widthOf(token) : 0
}

/** Whether a byte is one of a number's, or of a separator in it. */
function mayBeInIban(byte: number): boolean {
  return byte >= 0x80 || byte === 0x20 || byte === 0x23 || byte === 0x26 || byte === 0x3b || isAlphanumeric(byte)
}

function isAlphanumeric(byte: number): boolean {
  return characterValue(byte) >= 0 || (byte >= 0x61 && byte <= 0x7a)
}

/** A digit's or capital letter's value, 0 to 35, or -1. */
function characterValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  return byte >= 0x41 && byte <= 0x5a ? byte - 0x37 : -1
}

function pair(first: number, second: number): number {
  return (first << 8) | second
}
