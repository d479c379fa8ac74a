/**
 * masking: finds card numbers and sensitive authentication data in bytes and replaces them in place; counts what it did.
 *
 * Finds, in UTF-8: 12 to 19 digits with a known issuer's prefix (ISO/IEC 7812) and length and a right Luhn digit, in digits of any script
 * (\p{Nd}), as one piece or with spaces, dashes, dots, line ends and invisible characters between them (two visible ones at most), glued to
 * letters, as `\u0034`, `\n` and `%34` escapes of JSON and URLs, with references (`&nbsp;`, `&#52;`) and tags of HTML or Markdown's asterisks
 * in it, as numbers with point and exponent; tracks 1 and 2 (ISO/IEC 7813) with and without sentinels. In results it is *strict*: whole
 * groups, usual layouts, whole chains; UUIDs, IBANs, hexadecimal, phone numbers with a plus and decimal numbers are left alone. In what
 * is recorded, logged or said it is *loose*: any stretch, also of longer runs and across SQL's quotes and `||`.
 *
 * Does not find: base64, hexadecimal, compressed or encrypted text, other character sets; a number split over two fields, values or
 * messages; one put together by an expression (`reverse`, `substr`, arithmetic); issuers without a check digit; an amount as text with
 * thousands parted (`money::text`); verification codes and PINs, which look like any number. For those: declared columns, and policy on
 * what may be asked at all.
 *
 * docs/spec/card-numbers.md has all forms, found and not.
 *
 * Rules: a number keeps its last four digits (PCI DSS 3.4.1, FAQ 1091, FAQ 1117), every other digit becomes `*`, byte length stays. A declared
 * `pan` column is truncated whatever it looks like (its JSON numbers of more than four digits refuse the result). Numeric values are never
 * altered: one that looks like a card refuses the result, as do tracks and any value of a declared `sad` column (3.3.1). Nothing here
 * throws but for misuse.
 *
 * Pure. Buffers are the caller's and rewritten in place; what {@link ValueMasker.value} releases is the masker's, for the call only.
 */
export type { IinRow } from './iin-table.ts'
export { iinTable } from './iin-table.ts'
export { type CardMasking, createMasking, createScrubber } from './masking.ts'
export { type MaskingConfig, rulesetText } from './ruleset.ts'
export type { CardScrubber } from './scrub.ts'
export type { ValueMasker } from './values.ts'
