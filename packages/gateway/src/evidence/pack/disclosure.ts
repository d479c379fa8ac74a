import { type DisclosedPayload, formatDisclosed, openPayload, parseRecord } from '@sallyport/verifier'
import type { PayloadKeys } from '#model/read'
import { readPayloadBlob } from '../bundles.ts'
import type { LineFile } from './pack-folder.ts'

/** Discloses the payloads of single records: the ciphertext with the key of that record, never a day's. */
export class Disclosure {
  readonly #directory: string
  readonly #size: number
  readonly #keys: PayloadKeys
  readonly #file: LineFile
  #erased = 0

  constructor(place: { readonly directory: string; readonly size: number }, keys: PayloadKeys, file: LineFile) {
    this.#directory = place.directory
    this.#size = place.size
    this.#keys = keys
    this.#file = file
  }

  /** Payloads whose day's key was erased: nobody can open them any more. */
  get erased(): number {
    return this.#erased
  }

  /** Discloses the payload of a record, when it has one that can be opened; gives its text. */
  disclose(record: number, entry: Uint8Array): string | undefined {
    const commitment = parseRecord(entry).payload
    if (commitment === undefined) return undefined
    const key = this.#keys.recordKey(commitment.keyId, record)
    const blob = key === undefined ? undefined : readPayloadBlob(this.#directory, record, this.#size)
    if (key === undefined || blob === undefined) {
      this.#erased += 1
      return undefined
    }
    const disclosed: DisclosedPayload = { record, blob, key }
    const text = Buffer.from(openPayload(blob, key, commitment)).toString('utf8')
    this.#file.add(formatDisclosed(disclosed))
    return text
  }
}
