import { encodeHex } from './bytes.ts'
import { isBlobLength, PAYLOAD_LENGTH_BYTES, PAYLOAD_OVERHEAD_BYTES } from './payloads.ts'
import type { PayloadCommitment } from './record.ts'
import { Sha256, sha256 } from './sha256.ts'
import type { TrailFile, TrailSource } from './source.ts'
import { payloadPath, TILE_WIDTH } from './tiles.ts'
import type { Finding } from './verification.ts'

/** Bytes of a payload file that are in memory at once. */
const WINDOW_BYTES = 1024 * 1024

/** How the payloads of one bundle were found. */
export interface CheckedPayloads {
  readonly count: number
  readonly finding: Finding | undefined
}

/**
 * Compares the payload file of bundle `index` with what the bundle's records commit to, one commitment or none for
 * each.
 *
 * @throws {VerifierError} `SP_FILE_UNREADABLE`
 */
export async function checkPayloads(
  source: TrailSource,
  index: number,
  commitments: readonly (PayloadCommitment | undefined)[],
): Promise<CheckedPayloads> {
  const exactPath = payloadPath(index, commitments.length)
  const exact = await source.open(exactPath)
  const path = exact === undefined ? payloadPath(index) : exactPath
  const file = exact ?? (exactPath === path ? undefined : await source.open(path))
  const first = index * TILE_WIDTH
  if (file === undefined) {
    const missing = commitments.findIndex((commitment) => commitment !== undefined)
    return {
      count: 0,
      finding: missing < 0 ? undefined : payloadMissing(first + missing, exactPath, 'the file is not there'),
    }
  }
  try {
    return await new PayloadFileCheck(file, path, first).run(commitments, path === exactPath)
  } finally {
    await file.close()
  }
}

function payloadMissing(record: number, file: string, reason: string): Finding {
  return {
    code: 'payload-missing',
    verdict: 'incomplete',
    message: `payload missing: that of record ${record}, ${file} (${reason})`,
    record,
    file,
  }
}

/** Reads a payload file once, through a window. */
class PayloadFileCheck {
  readonly #file: TrailFile
  readonly #path: string
  readonly #first: number
  readonly #window: Buffer
  #position = 0
  #start = 0
  #end = 0

  constructor(file: TrailFile, path: string, first: number) {
    this.#file = file
    this.#path = path
    this.#first = first
    this.#window = Buffer.allocUnsafe(Math.min(WINDOW_BYTES, file.size))
  }

  async run(commitments: readonly (PayloadCommitment | undefined)[], isExact: boolean): Promise<CheckedPayloads> {
    let count = 0
    for (const [at, commitment] of commitments.entries()) {
      const finding = await this.#checkOne(this.#first + at, commitment)
      if (finding !== undefined) return { count, finding }
      if (commitment !== undefined) count += 1
    }
    // A full file under a partial checkpoint goes on; what follows is not covered yet.
    const isAtEnd = this.#position === this.#file.size && this.#start === this.#end
    if (isExact && !isAtEnd) {
      const record = this.#first + commitments.length
      return {
        count,
        finding: this.#unexpected(record - 1, `${this.#path} does not end with the payload of record ${record - 1}`),
      }
    }
    return { count, finding: undefined }
  }

  async #checkOne(record: number, commitment: PayloadCommitment | undefined): Promise<Finding | undefined> {
    if (!(await this.#has(PAYLOAD_LENGTH_BYTES))) {
      // Nothing at all behind the last one is what a cut file looks like, with or without a payload here.
      if (commitment === undefined) return this.#changed(record, 'the file ends before it')
      return payloadMissing(record, this.#path, 'the file ends before it')
    }
    const length = this.#window.readUInt32BE(this.#start)
    this.#start += PAYLOAD_LENGTH_BYTES
    if (!isBlobLength(length)) return this.#changed(record, `${length} is no length of a payload`)
    if (commitment === undefined) {
      return length === 0
        ? undefined
        : this.#unexpected(record, `record ${record} has no payload, but ${this.#path} has one for it`)
    }
    if (length === 0) return payloadMissing(record, this.#path, 'it is empty there')
    const digest = await this.#digest(length)
    if (digest === undefined) return this.#changed(record, 'the file ends within it')
    if (length !== commitment.size + PAYLOAD_OVERHEAD_BYTES || digest !== commitment.sha256) {
      return this.#changed(record, 'its digest is not the one that the record commits to')
    }
    return undefined
  }

  /** Hashes the next `length` bytes, or gives undefined when the file ends before. */
  async #digest(length: number): Promise<string | undefined> {
    if (length <= this.#window.length) {
      if (!(await this.#has(length))) return undefined
      const digest = sha256(this.#window.subarray(this.#start, this.#start + length))
      this.#start += length
      return encodeHex(digest)
    }
    const hash = new Sha256()
    for (let left = length; left > 0;) {
      if (!(await this.#has(1))) return undefined
      const piece = this.#window.subarray(this.#start, Math.min(this.#end, this.#start + left))
      hash.update(piece)
      this.#start += piece.length
      left -= piece.length
    }
    return encodeHex(hash.digest())
  }

  /** Sees to it that the window holds the next `bytes`, at most its own size; false at the end of the file. */
  async #has(bytes: number): Promise<boolean> {
    if (this.#end - this.#start >= bytes) return true
    if (this.#position === this.#file.size) return false
    this.#window.copyWithin(0, this.#start, this.#end)
    this.#end -= this.#start
    this.#start = 0
    const read = await this.#file.read(this.#window.subarray(this.#end), this.#position)
    this.#position += read
    this.#end += read
    return this.#end >= bytes
  }

  #changed(record: number, reason: string): Finding {
    const message = `payload of record ${record} changed: ${reason}; the record itself is not affected`
    return { code: 'payload-changed', verdict: 'altered', message, record, file: this.#path }
  }

  #unexpected(record: number, message: string): Finding {
    return { code: 'payload-unexpected', verdict: 'altered', message, record, file: this.#path }
  }
}
