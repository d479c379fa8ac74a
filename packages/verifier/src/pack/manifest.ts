import { decodeUtf8, encodeUtf8 } from '../bytes.ts'
import { VerifierError } from '../errors.ts'
import { canonicalJson, isCanonical } from '../record.ts'
import { TILE_WIDTH } from '../tiles.ts'
import { PACK_FORMAT, PACK_PATHS } from './layout.ts'
import { countAt, listAt, recordsAt, textAt, textsAt, valueAt } from './members.ts'

/** A file of a pack. The manifest names all but itself, its signature and `SHA256SUMS`. */
export interface PackFile {
  /** Below the pack's folder, with slashes. */
  readonly path: string
  /** Hexadecimal. */
  readonly sha256: string
  readonly size: number
}

/** A table of a pack. */
export interface PackTable {
  readonly name: string
  readonly artifact: number
  readonly title: string
  readonly query: string
  readonly rows: number
  readonly columns: readonly { readonly name: string; readonly from: string }[]
}

/** What a pack says of itself. */
export interface PackManifest {
  readonly origin: string
  readonly verifierKey: string
  readonly checkpoint: { readonly size: number; readonly rootSha256: string }
  /** Milliseconds since the epoch, both ends included. */
  readonly period: { readonly fromMs: number; readonly toMs: number }
  /** The records of the period: every one from the first to the last. */
  readonly records: { readonly first: number; readonly last: number }
  /** Further records that something in the pack rests on. */
  readonly extraRecords: readonly number[]
  readonly builtAtMs: number
  /** The id of who had it built. */
  readonly builtBy: string
  readonly product: string
  /** Which payloads are disclosed. */
  readonly disclosed: 'none' | 'statements'
  readonly policy:
    { readonly hash: string; readonly activationRecord: number; readonly files: readonly string[] } | undefined
  readonly tables: readonly PackTable[]
  readonly files: readonly PackFile[]
}

/** Writes a manifest in canonical form (RFC 8785). */
export function encodeManifest(manifest: PackManifest): Uint8Array {
  const { period, records, policy, checkpoint } = manifest
  return encodeUtf8(
    canonicalJson({
      format: PACK_FORMAT,
      origin: manifest.origin,
      verifier_key: manifest.verifierKey,
      checkpoint: { size: checkpoint.size, root_sha256: checkpoint.rootSha256 },
      period: {
        from: new Date(period.fromMs).toISOString(),
        from_ms: period.fromMs,
        to: new Date(period.toMs).toISOString(),
        to_ms: period.toMs,
      },
      records: { first: records.first, last: records.last, count: records.last - records.first + 1 },
      extra_records: manifest.extraRecords.map((index) => ({ index, origin: manifest.origin })),
      built: { at_ms: manifest.builtAtMs, by: manifest.builtBy, product: manifest.product },
      filters: { disclosed: manifest.disclosed },
      policy:
        policy === undefined
          ? null
          : { hash: policy.hash, activation_record: policy.activationRecord, files: policy.files },
      tables: manifest.tables.map((table) => ({
        ...table,
        period: 'of the pack',
        proof: 'the records that each row names, under trail/',
      })),
      files: manifest.files,
    }),
  )
}

/** Reads a manifest. @throws {VerifierError} `SP_PACK_MALFORMED` */
export function parseManifest(bytes: Uint8Array): PackManifest {
  const value = parseCanonical(bytes)
  if (textAt(value, 'format') !== PACK_FORMAT) throw malformed(`its format is not ${PACK_FORMAT}`)
  const [first, last] = [need(value, 'records', 'first'), need(value, 'records', 'last')]
  const disclosed = textAt(value, 'filters', 'disclosed')
  if (disclosed !== 'none' && disclosed !== 'statements') throw malformed('it does not say what is disclosed')
  if (first > last) throw malformed('its records end before they begin')
  const files = toFiles(listAt(value, 'files'))
  // Each bundle of records is a file: whoever looks for them looks no more often than there are files.
  if ((last - first) / TILE_WIDTH > files.length) throw malformed('it has more records than files for them')
  const policy = valueAt(value, 'policy')
  return {
    origin: words(value, 'origin'),
    verifierKey: words(value, 'verifier_key'),
    checkpoint: { size: need(value, 'checkpoint', 'size'), rootSha256: words(value, 'checkpoint', 'root_sha256') },
    period: { fromMs: need(value, 'period', 'from_ms'), toMs: need(value, 'period', 'to_ms') },
    records: { first, last },
    extraRecords: recordsAt(value, 'extra_records'),
    builtAtMs: need(value, 'built', 'at_ms'),
    builtBy: words(value, 'built', 'by'),
    product: words(value, 'built', 'product'),
    disclosed,
    policy:
      policy === null
        ? undefined
        : {
            hash: words(policy, 'hash'),
            activationRecord: need(policy, 'activation_record'),
            files: textsAt(policy, 'files').map(toPolicyFile),
          },
    tables: listAt(value, 'tables').map(toTable),
    files,
  }
}

function toTable(table: unknown): PackTable {
  return {
    name: words(table, 'name'),
    artifact: need(table, 'artifact'),
    title: words(table, 'title'),
    query: words(table, 'query'),
    rows: need(table, 'rows'),
    columns: listAt(table, 'columns').map((column) => ({ name: words(column, 'name'), from: words(column, 'from') })),
  }
}

/** Paths are sorted, each once, and lead nowhere but below the folder. */
function toFiles(list: readonly unknown[]): readonly PackFile[] {
  let before = ''
  return list.map((file) => {
    const [path, digest, size] = [words(file, 'path'), words(file, 'sha256'), need(file, 'size')]
    if (!isPackPath(path)) throw malformed('a path that a pack does not have')
    if (path <= before) throw malformed('files that are not sorted by path')
    if (!/^[0-9a-f]{64}$/.test(digest)) throw malformed('a file without its digest')
    before = path
    return { path, sha256: digest, size }
  })
}

function toPolicyFile(name: string): string {
  if (!isPackPath(`${PACK_PATHS.policyFiles}/${name}`)) throw malformed('a path that a pack does not have')
  return name
}

/** Relative, without empty, hidden or climbing parts, and the same on every system. */
export function isPackPath(path: string): boolean {
  return path.length <= 200 && /^(?:[A-Za-z0-9_][A-Za-z0-9._-]*\/){0,8}[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(path)
}

function parseCanonical(bytes: Uint8Array): unknown {
  const text = decodeUtf8(bytes)
  if (text === undefined) throw malformed('it is not UTF-8')
  try {
    const value: unknown = JSON.parse(text)
    if (isCanonical(text, value)) return value
  } catch (cause) {
    if (cause instanceof VerifierError) throw malformed(cause.message)
    throw malformed(cause instanceof RangeError ? 'nested too deep' : 'it is not JSON')
  }
  throw malformed('it is not in canonical form')
}

function words(value: unknown, ...path: readonly string[]): string {
  const found = textAt(value, ...path)
  if (found === null) throw malformed(`it has no ${path.join('.')}`)
  return found
}

function need(value: unknown, ...path: readonly string[]): number {
  const found = countAt(value, ...path)
  if (found === null || found < 0) throw malformed(`it has no ${path.join('.')}`)
  return found
}

function malformed(reason: string): VerifierError {
  return new VerifierError('SP_PACK_MALFORMED', `manifest.json is not a manifest: ${reason}`)
}
