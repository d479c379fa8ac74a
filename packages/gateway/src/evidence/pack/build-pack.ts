import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  askingPolicies,
  encodeManifest,
  formatRoster,
  formatSums,
  PACK_PATHS,
  type PackManifest,
  PackTables,
  type PackTable,
  RECORD_TABLES,
  Roster,
  RowWriter,
  type TableDefinition,
  TILE_WIDTH,
} from '@sallyport/verifier'
import type { JsonObject } from '#base'
import { GatewayError } from '#model'
import type { RecordSpan } from '#model/read'
import { parseLeaf } from '../leaf-members.ts'
import { ENTITLEMENTS } from './entitlement-table.ts'
import { entitlementRows } from './entitlement-rows.ts'
import { limitationsText } from './limitations.ts'
import { LogCopy } from './log-copy.ts'
import { columnsText } from './columns-text.ts'
import type { PackFacts } from './pack-facts.ts'
import { PackFolder } from './pack-folder.ts'
import { Disclosure } from './disclosure.ts'
import { SeenIdentities } from './seen-identities.ts'
import type { PackOrder, PackSources, PolicyInForce } from './sources.ts'
import { TableFiles } from './table-files.ts'
import { verifyText } from './verify-text.ts'

/** Records that are worked on before others have their turn: the data path runs in the same thread. */
const RECORDS_PER_TURN = 32

/** A pack that was written. */
export interface BuiltPack {
  /** SHA-256 of its manifest (hexadecimal): names all of it. */
  readonly manifestSha256: string
  readonly origin: string
  readonly records: { readonly first: number; readonly last: number }
  readonly tables: readonly { readonly name: string; readonly rows: number }[]
  /** Paths and sizes of all files, in the order in which they are to be handed over. */
  readonly files: readonly { readonly path: string; readonly size: number }[]
}

/**
 * Writes the evidence of a period into an empty folder (`docs/spec/evidence-pack.md`). It holds one bundle of records at a time, and of the
 * whole period the operations that have not ended and the requests for approvals.
 *
 * @throws {GatewayError} `SP_API_NOT_FOUND` when the period has no records; `SP_TRAIL_TAMPERED` when the log is not as it was signed.
 */
export async function buildPack(order: PackOrder, sources: PackSources, directory: string): Promise<BuiltPack> {
  const folder = new PackFolder(directory)
  const tables = new TableFiles()
  try {
    // The head first, then the records below it: one of the period between the two would be left out, and the check says so.
    const log = await LogCopy.begin(sources.directory, folder)
    const { size } = log.head
    await sources.indexed(size)
    const span = await sources.reader.span(order.fromMs, order.toMs, size)
    if (span === undefined) throw new GatewayError('SP_API_NOT_FOUND', 'there are no records in that time')
    return await new PackRun(order, sources, { folder, tables, log }).write(span)
  } catch (error) {
    await tables.abandon()
    throw error
  }
}

/** Where a pack is written. */
interface PackTarget {
  readonly folder: PackFolder
  readonly tables: TableFiles
  readonly log: LogCopy
}

/** One pack while it is written. */
class PackRun {
  readonly #order: PackOrder
  readonly #sources: PackSources
  readonly #folder: PackFolder
  readonly #files: TableFiles
  readonly #log: LogCopy
  readonly #seen: SeenIdentities
  readonly #copied = new Set<number>()

  constructor(order: PackOrder, sources: PackSources, target: PackTarget) {
    this.#order = order
    this.#sources = sources
    this.#folder = target.folder
    this.#files = target.tables
    this.#log = target.log
    this.#seen = new SeenIdentities((ids) => sources.names(ids))
  }

  async write(span: RecordSpan): Promise<BuiltPack> {
    const definitions = [...RECORD_TABLES.filter((table) => this.#isWanted(table)), ENTITLEMENTS]
    for (const table of definitions) await this.#files.begin(this.#folder, table)
    const policy = this.#sources.policy()
    const { statement, erased } = await this.#records(span, policy)
    await this.#entitlements()
    if (policy !== undefined) await this.#policy(policy)
    await this.#log.tiles()
    const tables = definitions.map((table) => describe(table, this.#files.rowsOf(table.name)))
    await this.#files.end()
    await this.#folder.write(PACK_PATHS.roster, formatRoster(this.#seen.names))
    await this.#folder.write(PACK_PATHS.columns, columnsText(definitions))
    const facts = { order: this.#order, span, head: this.#log.head, tables, policy, erased, statement }
    await this.#folder.write(PACK_PATHS.verify, verifyText(facts))
    await this.#folder.write(PACK_PATHS.limitations, limitationsText(facts))
    return await this.#seal(span, tables, policy)
  }

  #isWanted({ name }: TableDefinition): boolean {
    return this.#order.disclosed === 'statements' || name !== '1-statements'
  }

  /** The bundles of the period and of the record before and behind it, which show where it begins and ends. */
  async #records(
    { first, last }: RecordSpan,
    policy: PolicyInForce | undefined,
  ): Promise<Pick<PackFacts, 'statement' | 'erased'>> {
    const disclosure = await this.#disclosure()
    const asking = policy === undefined ? undefined : askingPolicies(policy.canonicalText)
    const tables = new PackTables(new Roster(this.#seen.names), this.#files, asking)
    const edge = { first: Math.max(0, first - 1), last: Math.min(this.#log.head.size - 1, last + 1) }
    for (let index = Math.floor(edge.first / TILE_WIDTH); index <= Math.floor(edge.last / TILE_WIDTH); index += 1) {
      const { entries } = await this.#log.bundle(index)
      this.#copied.add(index)
      const from = Math.max(first, index * TILE_WIDTH)
      const wanted = entries.slice(from - index * TILE_WIDTH, Math.max(0, last + 1 - index * TILE_WIDTH))
      for (let at = 0; at < wanted.length; at += RECORDS_PER_TURN) {
        const leaves = wanted.slice(at, at + RECORDS_PER_TURN).map(toLeaf)
        await this.#seen.meet(leaves.map(({ leaf }) => leaf))
        leaves.forEach(({ entry, text, leaf }, offset) => {
          const record = from + at + offset
          tables.take(record, { text, leaf }, disclosure?.disclosure.disclose(record, entry))
        })
        await nextTurn()
      }
      await this.#files.drain()
      await disclosure?.file.drain()
    }
    const statement = tables.finish()
    await disclosure?.file.end()
    return { statement, erased: disclosure?.disclosure.erased ?? 0 }
  }

  async #disclosure(): Promise<
    { readonly file: Awaited<ReturnType<PackFolder['begin']>>; readonly disclosure: Disclosure } | undefined
  > {
    if (this.#order.disclosed === 'none') return undefined
    const file = await this.#folder.begin(PACK_PATHS.payloads)
    const { directory, keys } = this.#sources
    return { file, disclosure: new Disclosure({ directory, size: this.#log.head.size }, keys, file) }
  }

  async #entitlements(): Promise<void> {
    // The index may have been built anew meanwhile.
    await this.#sources.indexed(this.#log.head.size)
    const roster = new Roster(this.#seen.names)
    const writer = new RowWriter(ENTITLEMENTS)
    const rows = await entitlementRows(this.#sources, this.#seen.identities, (id) => roster.nameOf(id))
    for (const row of rows) this.#files.row(ENTITLEMENTS.name, writer.row(row))
  }

  /** The files verbatim, the text whose digest is the policy's hash, and the record that put it in force. */
  async #policy({ canonicalText, files, activationRecord }: PolicyInForce): Promise<void> {
    await this.#folder.write(PACK_PATHS.policyText, canonicalText)
    for (const { name, text } of files) await this.#folder.write(`${PACK_PATHS.policyFiles}/${name}`, text)
    const index = Math.floor(activationRecord / TILE_WIDTH)
    if (!this.#copied.has(index)) await this.#log.bundle(index)
  }

  async #seal(span: RecordSpan, tables: readonly PackTable[], policy: PolicyInForce | undefined): Promise<BuiltPack> {
    const { origin, size, rootSha256, verifierKey } = this.#log.head
    const { fromMs, toMs, atMs, by, disclosed } = this.#order
    const records = { first: span.first, last: span.last }
    const files = this.#folder.files
    const manifest: PackManifest = {
      origin,
      verifierKey,
      checkpoint: { size, rootSha256 },
      period: { fromMs, toMs },
      records,
      extraRecords: policy === undefined ? [] : [policy.activationRecord],
      builtAtMs: atMs,
      builtBy: by,
      product: this.#sources.product,
      disclosed,
      policy:
        policy === undefined
          ? undefined
          : {
              hash: policy.hash,
              activationRecord: policy.activationRecord,
              files: policy.files.map(({ name }) => name),
            },
      tables,
      files,
    }
    const bytes = encodeManifest(manifest)
    const manifestSha256 = createHash('sha256').update(bytes).digest('hex')
    const signature = this.#sources.sign(manifestSha256)
    await this.#folder.write(PACK_PATHS.manifest, bytes)
    await this.#folder.write(PACK_PATHS.signature, signature)
    await this.#folder.write(PACK_PATHS.sums, formatSums(files, bytes, signature))
    return { manifestSha256, origin, records, tables, files: this.#folder.files }
  }
}

function toLeaf(entry: Uint8Array): {
  readonly entry: Uint8Array
  readonly text: string
  readonly leaf: JsonObject
} {
  const text = Buffer.from(entry.buffer, entry.byteOffset, entry.length).toString('utf8')
  return { entry, text, leaf: parseLeaf(text) ?? {} }
}

function describe({ name, artifact, title, query, columns }: TableDefinition, rows: number): PackTable {
  return {
    name,
    artifact,
    title,
    query,
    rows,
    columns: columns.map((column) => ({ name: column.name, from: column.from })),
  }
}
