import type { Bytes } from '#base'

/** Hands out the keys of single payloads; the trail implements it, so that reading needs nothing of the writing side. */
export interface PayloadKeys {
  /**
   * The 32-byte key of one record's payload, or undefined when the day's key was erased.
   *
   * @param keyId `unmapped.payload.key_id` of the record.
   * @param index the record's number.
   */
  recordKey(keyId: string, index: number): Bytes | undefined
}
