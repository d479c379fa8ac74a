import {
  type DisclosedPayload,
  formatDisclosed,
  openPayload,
  parsePayloads,
  parseRecord,
  payloadPath,
  TILE_WIDTH,
} from '@sallyport/verifier'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { PayloadKeys } from '#model/read'
import { readPayloadBlob } from '../bundles.ts'
import type { LineFile } from './pack-folder.ts'

/** A payload file up to this size is read at once; of larger ones each payload by itself. */
const MAX_WHOLE_BYTES = 8 * 1024 * 1024

/** Discloses the payloads of single records: the ciphertext with the key of that record, never a day's. */
export class Disclosure {
  readonly #directory: string
  readonly #size: number
  readonly #keys: PayloadKeys
  readonly #file: LineFile
  #erased = 0
  #bundle = -1
  #blobs: readonly (Uint8Array | undefined)[] | undefined

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
    const blob = key === undefined ? undefined : this.#blob(record)
    if (key === undefined || blob === undefined) {
      this.#erased += 1
      return undefined
    }
    const disclosed: DisclosedPayload = { record, blob, key }
    const text = Buffer.from(openPayload(blob, key, commitment)).toString('utf8')
    this.#file.add(formatDisclosed(disclosed))
    return text
  }

  #blob(record: number): Uint8Array | undefined {
    const index = Math.floor(record / TILE_WIDTH)
    if (index !== this.#bundle) {
      this.#bundle = index
      this.#blobs = this.#readBundle(index)
    }
    return this.#blobs === undefined
      ? readPayloadBlob(this.#directory, record, this.#size)
      : this.#blobs[record % TILE_WIDTH]
  }

  /** All payloads of a bundle; undefined when they are too large for that, or in a file of another width. */
  #readBundle(index: number): readonly (Uint8Array | undefined)[] | undefined {
    const path = join(this.#directory, payloadPath(index))
    const stats = statSync(path, { throwIfNoEntry: false })
    return stats === undefined || stats.size > MAX_WHOLE_BYTES ? undefined : parsePayloads(readFileSync(path))
  }
}
