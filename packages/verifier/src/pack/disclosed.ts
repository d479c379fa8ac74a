import { decodeBase64, encodeBase64, encodeHex } from '../bytes.ts'
import { VerifierError } from '../errors.ts'
import { countAt, textAt } from './members.ts'

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
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw malformed()
  }
  const record = countAt(value, 'record')
  const blob = decodeBase64(textAt(value, 'blob') ?? '')
  const key = Buffer.from(textAt(value, 'key') ?? '', 'hex')
  if (record === null || blob === undefined) throw malformed()
  const disclosed = { record, blob, key }
  if (formatDisclosed(disclosed) !== line) throw malformed()
  return disclosed
}

function malformed(): VerifierError {
  return new VerifierError('SP_PACK_MALFORMED', 'payloads.jsonl has a line that is no payload with its key')
}
