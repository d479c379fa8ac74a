import { isSameBytes } from '../bytes.ts'
import { VerifierError } from '../errors.ts'
import { hashLeafInto } from '../merkle.ts'
import { OpenIntents } from '../open-intents.ts'
import { claimedSequence, factsOf, leafText, parseLeafText } from '../record.ts'
import { HASH_BYTES } from '../sha256.ts'
import { entriesPath, TILE_WIDTH, tileWidth } from '../tiles.ts'
import type { BundleRead, TileRead, TrailReader } from '../trail-reader.ts'
import type { Finding } from '../verification.ts'
import type { DisclosedReader } from './disclosed-reader.ts'
import { trailPath } from './layout.ts'
import type { PackManifest } from './manifest.ts'
import type { TableCheck } from './table-check.ts'

/** What the records of a pack are given to, as they are checked. */
export interface RecordUses {
  readonly tables: TableCheck
  readonly disclosed: DisclosedReader | undefined
  /** Called with each record, as it stands in the log. */
  readonly onRecord?: ((entry: Uint8Array) => void) | undefined
}

/** Characters of records and payloads that are gathered before they go to the tables. */
const BATCH_CHARACTERS = 256 * 1024

/** The bundles that a pack must hold: those of the period with a record before and behind it, and those of the further records. */
export function bundlesOf({ records, extraRecords, checkpoint }: PackManifest): readonly number[] {
  const first = Math.floor(Math.max(0, records.first - 1) / TILE_WIDTH)
  const last = Math.floor(Math.min(checkpoint.size - 1, records.last + 1) / TILE_WIDTH)
  const bundles = new Set(extraRecords.map((record) => Math.floor(record / TILE_WIDTH)))
  for (let index = first; index <= last; index += 1) bundles.add(index)
  return [...bundles].sort((a, b) => a - b)
}

/** Checks the records of a pack one after the other: that each is the one of the tree, and that none is missing. */
export class PackRecords {
  readonly #manifest: PackManifest
  readonly #reader: TrailReader
  readonly #uses: RecordUses
  readonly #open = new OpenIntents()
  readonly #hash = Buffer.alloc(HASH_BYTES)
  #count = 0
  #leaves: string[] = []
  #statements: (string | undefined)[] = []
  #characters = 0

  constructor(manifest: PackManifest, reader: TrailReader, uses: RecordUses) {
    this.#manifest = manifest
    this.#reader = reader
    this.#uses = uses
  }

  /** Records of the period that were found in order. */
  get count(): number {
    return this.#count
  }

  /** @throws {VerifierError} `SP_FILE_UNREADABLE`, `SP_FILE_TOO_LARGE` */
  async check(): Promise<Finding | undefined> {
    const { records, checkpoint } = this.#manifest
    if (records.last >= checkpoint.size)
      return {
        code: 'log-short',
        verdict: 'incomplete',
        message: `the pack claims records up to ${records.last}, its head covers ${checkpoint.size}`,
      }
    for (const index of bundlesOf(this.#manifest)) {
      const [bundle, tile] = await Promise.all([this.#reader.bundle(index), this.#reader.tile(0, index)])
      const finding = bundle === undefined ? this.#missing(index) : await this.#checkBundle(bundle, tile)
      if (finding !== undefined) return finding
    }
    await this.#handOn()
    await this.#uses.disclosed?.end()
    return undefined
  }

  async #checkBundle(bundle: BundleRead, tile: TileRead | undefined): Promise<Finding | undefined> {
    const path = trailPath(bundle.path)
    const first = bundle.index * TILE_WIDTH
    for (const [at, entry] of bundle.entries.entries()) {
      hashLeafInto(entry, this.#hash, 0)
      const hash = tile?.bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES)
      if (hash === undefined || !isSameBytes(this.#hash, hash)) return this.#foreign(first + at, entry, path)
      const finding = await this.#checkRecord(first + at, entry, path)
      if (finding !== undefined) return finding
    }
    if (bundle.damage === undefined) return undefined
    return {
      code: 'bundle-changed',
      verdict: 'altered',
      message: `${path} changed: ${bundle.damage}`,
      file: path,
      record: first + bundle.entries.length,
    }
  }

  async #checkRecord(index: number, entry: Uint8Array, path: string): Promise<Finding | undefined> {
    try {
      const leaf = leafText(entry)
      const facts = factsOf(parseLeafText(leaf))
      if (facts.sequence !== index) return this.#changed(index, path, `it calls itself ${facts.sequence ?? 'nothing'}`)
      if (facts.logName !== undefined && facts.logName !== this.#manifest.origin)
        return this.#changed(index, path, `it is of another log, ${facts.logName}`)
      const { first, last } = this.#manifest.records
      if (index < first || index > last) return this.#checkNeighbour(index, facts.timeMs, path)
      const stray = this.#checkIntent(index, facts, path)
      if (stray !== undefined) return stray
      const statement = await this.#uses.disclosed?.take(index, facts.payload)
      this.#uses.onRecord?.(entry)
      this.#count += 1
      this.#leaves.push(leaf)
      this.#statements.push(statement)
      this.#characters += leaf.length + (statement?.length ?? 0)
      if (this.#characters >= BATCH_CHARACTERS) await this.#handOn()
      return undefined
    } catch (cause) {
      if (!(cause instanceof VerifierError) || cause.code !== 'SP_RECORD_MALFORMED') throw cause
      return this.#changed(index, path, cause.message)
    }
  }

  /** Hands what was gathered to the tables. */
  async #handOn(): Promise<void> {
    const [leaves, statements] = [this.#leaves, this.#statements]
    const first = this.#manifest.records.first + this.#count - leaves.length
    this.#leaves = []
    this.#statements = []
    this.#characters = 0
    if (leaves.length > 0) await this.#uses.tables.take({ first, leaves, statements })
  }

  /** An outcome belongs to an intent before it, once; that of an intent before the period is not here. */
  #checkIntent(
    index: number,
    { phase, intent }: { readonly phase: string | undefined; readonly intent: number | undefined },
    path: string,
  ): Finding | undefined {
    if (phase === 'intent') this.#open.add(index)
    if (intent === undefined || intent < this.#manifest.records.first || this.#open.take(intent)) return undefined
    const message = `record ${index} is the outcome of ${intent}, which is no intent before it, or has one already`
    return { code: 'outcome-without-intent', verdict: 'altered', message, record: index, file: path }
  }

  /** The records beside the period lie outside of it: else the period would not be whole. */
  #checkNeighbour(index: number, timeMs: number | undefined, path: string): Finding | undefined {
    const { records, period } = this.#manifest
    if (index !== records.first - 1 && index !== records.last + 1) return undefined
    if (timeMs === undefined || timeMs < period.fromMs || timeMs > period.toMs) return undefined
    const message = `record ${index} is of the time that the pack claims, but the tables leave it out`
    return { code: 'period-incomplete', verdict: 'incomplete', message, record: index, file: path }
  }

  #missing(index: number): Finding {
    const file = trailPath(entriesPath(index, tileWidth(0, index, this.#reader.size)))
    return {
      code: 'bundle-missing',
      verdict: 'incomplete',
      message: `${file} is missing: records from ${index * TILE_WIDTH} on`,
      file,
      record: index * TILE_WIDTH,
    }
  }

  /** What stands in the place of a record is not the record: which of the two was changed only its own number may tell. */
  #foreign(record: number, entry: Uint8Array, file: string): Finding {
    const claimed = claimedSequence(entry)
    if (claimed === undefined || claimed === record)
      return this.#changed(record, file, 'its hash is not the one that the signed head commits to')
    const message = `record ${record} removed or replaced: in its place stands one that calls itself ${claimed}`
    return { code: 'record-changed', verdict: 'altered', message, record, file }
  }

  #changed(record: number, file: string, reason: string): Finding {
    return { code: 'record-changed', verdict: 'altered', message: `record ${record} changed: ${reason}`, record, file }
  }
}
