import {
  type BundleRead,
  CHECKPOINT_PATH,
  FolderSource,
  hashLeaf,
  isIncluded,
  MAX_NOTE_BYTES,
  parseCheckpoint,
  proveInclusion,
  readWhole,
  TrailReader,
  type TrailSource,
} from '@sallyport/verifier'
import { type Bytes, toHex } from '#base'
import { GatewayError } from '#model'
import type { InclusionProof, InclusionProofs, SignedHead } from '#model/read'

/** The head that is published in a trail's folder. Whoever has the key checks the signature; here it is only read. */
async function readHead(source: TrailSource): Promise<SignedHead & { readonly rootHash: Bytes }> {
  const bytes = await readWhole(source, CHECKPOINT_PATH, MAX_NOTE_BYTES)
  if (bytes === undefined) throw new GatewayError('SP_API_UNAVAILABLE', 'the trail has no checkpoint yet')
  const note = bytes.toString('utf8')
  // signed-note: the text is all up to the blank line, with its last line feed.
  const { origin, size, root } = parseCheckpoint(note.slice(0, note.indexOf('\n\n') + 1))
  return { origin, size, root: toHex(root), note, rootHash: root }
}

/**
 * Proves records against the published head.
 *
 * @throws {GatewayError} `SP_API_UNAVAILABLE` before the first checkpoint; `SP_TRAIL_TAMPERED` when a proof does not give the signed root.
 */
export async function proveRecords(directory: string, sequences: readonly number[]): Promise<InclusionProofs> {
  const source = new FolderSource(directory)
  const { rootHash, ...head } = await readHead(source)
  const reader = new OneBundleReader(source, head.size)
  const proofs: (InclusionProof | undefined)[] = []
  for (const sequence of sequences)
    proofs.push(sequence < head.size ? await proveRecord(reader, rootHash, sequence) : undefined)
  return { head, proofs }
}

/** Keeps the last bundle: records are mostly proven in their order. */
class OneBundleReader extends TrailReader {
  #last: BundleRead | undefined

  override async bundle(index: number): Promise<BundleRead | undefined> {
    if (this.#last?.index !== index) this.#last = await super.bundle(index)
    return this.#last
  }
}

async function proveRecord(reader: TrailReader, root: Bytes, index: number): Promise<InclusionProof> {
  const entry = await reader.entry(index)
  if (entry === undefined) throw new GatewayError('SP_TRAIL_TAMPERED', `record ${index} is not in its bundle`)
  const leafHash = hashLeaf(entry)
  const path = await proveInclusion(reader, index)
  if (!isIncluded({ index, size: reader.size, leafHash, root }, path))
    throw new GatewayError('SP_TRAIL_TAMPERED', `record ${index} is not the one that was signed`)
  return { sequence: index, leafHash: toHex(leafHash), path: path.map(toHex) }
}
