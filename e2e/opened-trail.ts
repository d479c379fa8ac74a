import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  entriesPath,
  openPayload,
  parseBundle,
  parsePayloads,
  parseRecord,
  payloadPath,
  TILE_WIDTH,
} from '@sallyport/verifier'
import type { JsonObject } from '#base'
import type { PayloadKeys } from '#model/read'

/** A record with its payload opened. */
export interface OpenedRecord {
  readonly sequence: number
  readonly leaf: JsonObject
  readonly payload: string | undefined
}

/** Reads a whole trail straight from its folder, with the keys of its payloads, without any index. */
export function* openedTrail(folder: string, keys: PayloadKeys): Generator<OpenedRecord> {
  const size = Number(readFileSync(join(folder, 'checkpoint'), 'utf8').split('\n')[1])
  for (let bundle = 0; bundle * TILE_WIDTH < size; bundle++) {
    const width = Math.min(TILE_WIDTH, size - bundle * TILE_WIDTH)
    const entries = parseBundle(readFileSync(join(folder, entriesPath(bundle, width))))
    const blobs = parsePayloads(readFileSync(join(folder, payloadPath(bundle, width))))
    for (const [place, entry] of entries.entries()) {
      const sequence = bundle * TILE_WIDTH + place
      const leaf = JSON.parse(Buffer.from(entry).toString('utf8')) as JsonObject
      yield { sequence, leaf, payload: openOne(entry, blobs[place], sequence, keys) }
    }
  }
}

function openOne(
  entry: Uint8Array,
  blob: Uint8Array | undefined,
  sequence: number,
  keys: PayloadKeys,
): string | undefined {
  const { payload } = parseRecord(entry)
  if (payload === undefined) return undefined
  const key = keys.recordKey(payload.keyId, sequence)
  if (key === undefined || blob === undefined) throw new Error(`the payload of record ${sequence} cannot be opened`)
  return Buffer.from(openPayload(blob, key, payload)).toString('utf8')
}

/** A member deep in a leaf. */
export function fact(leaf: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined,
    leaf,
  )
}
