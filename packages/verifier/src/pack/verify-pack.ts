import { encodeHex } from '../bytes.ts'
import type { Checkpoint } from '../checkpoint.ts'
import { VerifierError } from '../errors.ts'
import { isConsistent } from '../merkle.ts'
import { proveConsistency } from '../proofs.ts'
import { readWhole } from '../source.ts'
import { openHead, type TrailHead, type Trust } from '../trail-head.ts'
import { TrailReader } from '../trail-reader.ts'
import type { Finding } from '../verification.ts'
import { DisclosedReader } from './disclosed-reader.ts'
import { PACK_PATHS, trailPath } from './layout.ts'
import type { PackManifest } from './manifest.ts'
import { openPack, type OpenedPack } from './open-pack.ts'
import { changedFiles } from './pack-files.ts'
import { checkPolicy } from './pack-policy.ts'
import { bundlesOf, PackRecords } from './pack-records.ts'
import { type PackSource, PrefixedSource } from './pack-source.ts'
import type { PackStatement } from './pack-tables.ts'
import { checkTiles } from './pack-tiles.ts'
import type { KnownHead, PackCounts, PackVerification } from './pack-verification.ts'
import { parseRoster } from './roster.ts'
import { type CheckedTables, OwnTableCheck, type TableCheck } from './table-check.ts'
import { TableThread } from './table-thread.ts'
import { tablesOf } from './unknown-files.ts'

const MAX_ROSTER_BYTES = 64 * 1024 * 1024

/** From so many records on a second thread saves more than its start costs. */
const RECORDS_FOR_A_THREAD = 10_000

/** What is wished of the check besides its result. */
export interface PackWishes {
  /** Called with each record of the period, as it stands in the log, once it was checked. */
  readonly onRecord?: (entry: Uint8Array) => void
}

/**
 * Checks an evidence pack and names the first thing that is wrong.
 *
 * In order: the signature over the manifest; that the folder has its files and no others, each with its SHA-256; the
 * signed head of the log; the tiles up to its root; each record against its tile, none missing; each disclosed payload
 * against its record; each table, computed again from the records; the policy against the record that put it in force.
 *
 * Where a file is not the one of the manifest the check goes on, to name the record or the row in it.
 */
export async function verifyPack(
  source: PackSource,
  trust: Trust = {},
  wishes: PackWishes = {},
): Promise<PackVerification> {
  const check = new PackCheck(source, trust, wishes)
  try {
    return check.toVerification(await check.run())
  } catch (cause) {
    if (!(cause instanceof VerifierError)) throw cause
    return check.toVerification(check.changed ?? findingOf(cause))
  }
}

/** What stopped a check: neither a file that cannot be read nor a check that was not finished says that all is well. */
function findingOf({ code, message }: VerifierError): Finding {
  if (code === 'SP_CHECK_UNFINISHED') return { code: 'check-unfinished', verdict: 'undecided', message }
  return { code: 'file-unreadable', verdict: code === 'SP_FILE_UNREADABLE' ? 'undecided' : 'altered', message }
}

/** One check of one pack. */
class PackCheck {
  readonly #source: PackSource
  readonly #trust: Trust
  readonly #wishes: PackWishes
  #pack: OpenedPack | undefined
  #head: Partial<TrailHead> = {}
  #known: KnownHead | undefined
  #changed: ReadonlyMap<string, Finding> = new Map()
  #statement: PackStatement | undefined
  #counts: PackCounts = { files: 0, bytes: 0, records: 0, tiles: 0, tables: 0, rows: 0, payloads: 0 }

  constructor(source: PackSource, trust: Trust, wishes: PackWishes) {
    this.#source = source
    this.#trust = trust
    this.#wishes = wishes
  }

  /** The first file that is not the one of the manifest. */
  get changed(): Finding | undefined {
    return this.#changed.values().next().value
  }

  async run(): Promise<Finding | undefined> {
    const opening = await openPack(this.#source, this.#trust)
    if ('finding' in opening) return opening.finding
    this.#pack = opening.pack
    const { manifest } = opening.pack
    // Whatever is wrong in the log or the tables lies in a file that was changed, or was signed so: both are looked at together.
    const [changed, log] = await Promise.allSettled([
      changedFiles(this.#source, manifest.files),
      this.#checkLog(manifest),
    ])
    if (changed.status === 'rejected') throw changed.reason
    this.#changed = changed.value
    const bytes = manifest.files.reduce((sum, { size }) => sum + size, 0)
    this.#counts = { ...this.#counts, files: manifest.files.length, bytes }
    if (log.status === 'rejected') throw log.reason
    return this.#first(log.value)
  }

  /** A file that was changed is named with what is wrong in it, when that was seen. */
  #first(findings: readonly Finding[]): Finding | undefined {
    if (this.#changed.size === 0) return findings[0]
    const isNamed = ({ file, verdict }: Finding): boolean =>
      file !== undefined && verdict !== 'undecided' && this.#changed.has(file)
    return findings.find(isNamed) ?? this.changed
  }

  async #checkLog(manifest: PackManifest): Promise<readonly Finding[]> {
    const trail = new PrefixedSource(this.#source, trailPath(''))
    const result = await openHead(trail, this.#trust)
    if (result.kind === 'stop') return [inTrail(result.finding)]
    this.#head = result.head
    const { checkpoint, known } = result.head
    const mismatch = compareHead(manifest, checkpoint)
    if (mismatch !== undefined) return [mismatch]
    const reader = new TrailReader(trail, checkpoint.size)
    const tiles = await checkTiles(reader, checkpoint, bundlesOf(manifest))
    this.#counts = { ...this.#counts, tiles: tiles.count }
    const fork = known === undefined ? undefined : await this.#compareKnown(reader, checkpoint, known)
    const found = [
      tiles.finding,
      fork,
      ...(await this.#checkRecords(manifest, reader)),
      await checkPolicy(this.#source, reader, manifest),
    ]
    return found.filter((finding) => finding !== undefined)
  }

  async #compareKnown(
    reader: TrailReader,
    { size, root }: Checkpoint,
    known: Checkpoint,
  ): Promise<Finding | undefined> {
    try {
      const proof = await proveConsistency(reader, known.size)
      const claim = { firstSize: known.size, firstRoot: known.root, secondSize: size, secondRoot: root }
      if (isConsistent(claim, proof)) {
        this.#known = { kind: 'consistent', size: known.size }
        return undefined
      }
      const message = `forked: the first ${known.size} records are not those of the checkpoint that you hold, though both are signed`
      return { code: 'forked', verdict: 'altered', message, file: trailPath('checkpoint') }
    } catch (cause) {
      if (!(cause instanceof VerifierError) || cause.code !== 'SP_TILE_MALFORMED') throw cause
      this.#known = { kind: 'not-comparable', size: known.size }
      return undefined
    }
  }

  async #checkRecords(manifest: PackManifest, reader: TrailReader): Promise<readonly Finding[]> {
    const names = await this.#names()
    if ('code' in names) return [names]
    const disclosed = await this.#disclosed(manifest)
    if (disclosed !== undefined && 'code' in disclosed) return [disclosed]
    let tables: TableCheck | undefined
    try {
      tables = await this.#tables(manifest, names)
      const records = new PackRecords(manifest, reader, { tables, disclosed, onRecord: this.#wishes.onRecord })
      const finding = await records.check()
      this.#counts = { ...this.#counts, records: records.count, payloads: disclosed?.count ?? 0 }
      if (finding !== undefined) return [finding]
      const checked = await tables.finish()
      this.#statement = checked.statement
      return [disclosed?.finding, ...checked.findings, this.#checkRows(manifest, checked)].filter(
        (found) => found !== undefined,
      )
    } finally {
      await tables?.close()
      await disclosed?.close()
    }
  }

  /** The tables of a large pack are written again in a thread of their own. */
  async #tables({ records, disclosed }: PackManifest, names: ReadonlyMap<string, string>): Promise<TableCheck> {
    const { folder } = this.#source
    const order = { names, disclosed }
    return folder === undefined || records.last - records.first < RECORDS_FOR_A_THREAD
      ? await OwnTableCheck.begin(this.#source, order)
      : new TableThread({ ...order, folder })
  }

  #checkRows(manifest: PackManifest, { rows }: CheckedTables): Finding | undefined {
    const { tables } = manifest
    const total = [...rows.values()].reduce((sum, count) => sum + count, 0)
    const known = tablesOf(manifest)
    this.#counts = {
      ...this.#counts,
      tables: tables.filter(({ name }) => known.includes(name)).length,
      rows: total,
    }
    const wrong = tables.find(({ name, rows: claimed }) => rows.has(name) && rows.get(name) !== claimed)
    if (wrong === undefined) return undefined
    const message = `the manifest says that ${wrong.name} has ${wrong.rows} rows; the records give ${rows.get(wrong.name)}`
    return { code: 'pack-inconsistent', verdict: 'altered', message, file: PACK_PATHS.manifest }
  }

  async #names(): Promise<ReadonlyMap<string, string> | Finding> {
    const file = PACK_PATHS.roster
    const bytes = await readWhole(this.#source, file, MAX_ROSTER_BYTES)
    if (bytes === undefined)
      return { code: 'pack-file-missing', verdict: 'incomplete', message: `${file} is missing`, file }
    try {
      return parseRoster(bytes.toString('utf8'))
    } catch (cause) {
      if (!(cause instanceof VerifierError)) throw cause
      return { code: 'pack-inconsistent', verdict: 'altered', message: cause.message, file }
    }
  }

  async #disclosed({ disclosed }: PackManifest): Promise<DisclosedReader | Finding | undefined> {
    if (disclosed === 'none') return undefined
    const file = PACK_PATHS.payloads
    const opened = await this.#source.open(file)
    if (opened !== undefined) return new DisclosedReader(opened)
    return { code: 'pack-file-missing', verdict: 'incomplete', message: `${file} is missing`, file }
  }

  toVerification(finding: Finding | undefined): PackVerification {
    return {
      verdict: finding?.verdict ?? 'intact',
      finding,
      manifest: this.#pack?.manifest,
      checkpoint: this.#head.checkpoint,
      key: this.#pack?.key,
      keyOrigin: this.#pack?.keyOrigin,
      known: this.#known,
      counts: this.#counts,
      statement: this.#statement,
    }
  }
}

function compareHead(
  { origin, checkpoint: claimed }: PackManifest,
  { origin: signed, size, root }: Checkpoint,
): Finding | undefined {
  if (origin === signed && claimed.size === size && claimed.rootSha256 === encodeHex(root)) return undefined
  const file = trailPath('checkpoint')
  return {
    code: 'pack-inconsistent',
    verdict: 'altered',
    message: `${file} is not the head that the manifest names`,
    file,
  }
}

function inTrail(finding: Finding): Finding {
  return finding.file === undefined ? finding : { ...finding, file: trailPath(finding.file) }
}
