import { decodeBase64, encodeBase64, encodeHex } from '../bytes.ts'
import { VerifierError } from '../errors.ts'

/** A payload as it was recorded, and the key of its record: nothing else opens with it. */
export interface DisclosedPayload {
  readonly record: number
  /** `nonce ‖ ciphertext ‖ tag`, as the record commits to it. */
  readonly blob: Uint8Array
  readonly key: Uint8Array
}

/** One line of `payloads.jsonl`, without its end. */
export function formatDisclosed({ record, blob, key }: DisclosedPayload): string {
  return `{"blob":"${encodeBase64(blob)}","key":"${encodeHex(key)}","record":${record}}`
}

/** The exact inverse of `formatDisclosed`. @throws {VerifierError} `SP_PACK_MALFORMED` */
export function parseDisclosed(line: string): DisclosedPayload {
  // The pieces between its quotes; that there is nothing else in the line, writing it again shows. JSON.parse would make a
  // hundred bytes of each bracket that somebody wrote instead.
  const [, , , base64 = '', , , , hex = '', , , end = ''] = line.split('"', 11)
  const record = Number(end.slice(1, -1))
  const blob = decodeBase64(base64)
  if (!Number.isSafeInteger(record) || blob === undefined) throw malformed()
  const disclosed = { record, blob, key: Buffer.from(hex, 'hex') }
  if (formatDisclosed(disclosed) !== line) throw malformed()
  return disclosed
}

function malformed(): VerifierError {
  return new VerifierError('SP_PACK_MALFORMED', 'payloads.jsonl has a line that is no payload with its key')
}
