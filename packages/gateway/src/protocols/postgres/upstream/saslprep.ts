/**
 * Passwords as SCRAM wants them. RFC 5802 §2.2: "normalizing … with the SASLprep profile [RFC4013] of the stringprep algorithm".
 *
 * PostgreSQL 18, src/common/saslprep.c: a password that SASLprep forbids, or that is not UTF-8, is used as it stands: so it is here.
 */

/** RFC 3454 table C.1.2, non-ASCII spaces: RFC 4013 §2.1 maps them to a space. */
const SPACES = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/g
/** RFC 3454 table B.1, "commonly mapped to nothing". */
const NOTHING = /[\u00ad\u034f\u1806\u180b-\u180d\u200b-\u200d\u2060\ufe00-\ufe0f\ufeff]/gu
/** RFC 4013 §2.3: control, private use, non-character, surrogate, inappropriate and tagging characters. */
const PROHIBITED =
  /[\u0000-\u001f\u007f-\u009f\u06dd\u070f\u180e\u200e\u200f\u2028\u2029\u202a-\u202e\u2061-\u2063\u206a-\u206f\ufff9-\uffff\u2ff0-\u2ffb\u0340\u0341\p{Co}\p{Cs}\p{Noncharacter_Code_Point}\u{e0001}\u{e0020}-\u{e007f}]/u
/** RFC 3454 tables D.1 (right to left) and D.2 (left to right), by Unicode property. */
const RIGHT_TO_LEFT = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}]/u
const LEFT_TO_RIGHT = /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}]/u

/** Prepares a password. Plain ASCII stays as it is. */
export function prepareSasl(password: string): string {
  if (/^[ -~]*$/.test(password)) return password
  const prepared = password.replaceAll(SPACES, ' ').replaceAll(NOTHING, '').normalize('NFKC')
  if (prepared === '' || PROHIBITED.test(prepared)) return password
  // RFC 3454 §6: text with right-to-left characters must hold no left-to-right ones.
  return RIGHT_TO_LEFT.test(prepared) && LEFT_TO_RIGHT.test(prepared) ? password : prepared
}
