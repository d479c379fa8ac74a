import { createHash } from 'node:crypto'
import { closeSync, constants, fchmodSync, openSync, rmSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { TILE_WIDTH } from '@sallyport/verifier'
import type { JsonObject } from '#base'
import { GatewayError } from '#model'
import type { PolicyUse, RecordQuery, RecordRow, RecordSpan, UseQuery } from '#model/read'
import { type EntryPlace, type PlacedEntry, readEntries, readEntry } from './bundles.ts'
import { leafColumns } from './leaf-columns.ts'
import { member, parseLeaf } from './leaf-members.ts'
import { PolicyUses, USES_SCHEMA } from './policy-uses.ts'
import { conditions } from './record-conditions.ts'

/** Raised whenever the tables change: an index of another version is dropped and built anew. */
const INDEX_VERSION = 2
/** Bundles per transaction: long enough to be fast, short enough to answer queries in between. */
const BUNDLES_PER_STEP = 8

const SCHEMA = `
  create table meta (version integer not null, origin text not null, indexed integer not null, last_leaf text not null) strict;
  create table record (
    sequence integer primary key, time integer not null, phase text not null, actor text, agent text, agent_name text, session text,
    resource text, verb text, decision text, intent integer, server text, tool text, approval text, offset integer not null, length integer not null
  ) strict;
  create index record_actor on record (actor, sequence);
  create index record_session on record (session, sequence);
  create index record_resource on record (resource, sequence);
  create index record_decision on record (decision, sequence);
  create index record_intent on record (intent) where intent is not null;
  create index record_time on record (time);
  create index record_server on record (server, sequence) where server is not null;
  create index record_tool on record (tool, sequence) where tool is not null;
  create index record_agent on record (agent, sequence) where agent is not null;
  create index record_agent_name on record (agent_name, sequence) where agent_name is not null;
  create index record_approval on record (approval, sequence) where approval is not null;
  create table cause (call integer not null, sequence integer not null, primary key (call, sequence)) strict, without rowid;
${USES_SCHEMA}`

const DROP = ['meta', 'record', 'cause', 'policy_use'].map((table) => `drop table if exists ${table};`).join(' ')

/**
 * The index of records: derived from the bundles of the trail, for finding; the leaf itself is always read from the bundle. It can be
 * deleted at any time: it is built anew from the trail, as it is when somebody else is seen to have written to it. Lives in a worker of
 * its own.
 */
export class RecordIndex {
  readonly #directory: string
  readonly #origin: string
  readonly #database: DatabaseSync
  readonly #uses: PolicyUses
  #indexed = 0
  #size = 0
  #lastLeaf = ''
  /** SQLite, "PRAGMA data_version": another one when another connection has committed changes. */
  #version: unknown

  constructor(file: string, directory: string, origin: string, size: number) {
    this.#directory = directory
    this.#origin = origin
    this.#size = size
    this.#database = openDatabase(file)
    this.#uses = new PolicyUses(this.#database)
    this.#version = this.#dataVersion()
    if (!this.#isUsable()) this.#rebuild()
  }

  get indexed(): number {
    return this.#indexed
  }

  /** Indexes a few more bundles of a log of `size` entries; true while there is more to do. */
  advance(size: number): boolean {
    if (this.#dataVersion() !== this.#version) this.#rebuild()
    this.#size = Math.max(this.#size, size)
    if (this.#indexed >= this.#size) return false
    const first = Math.floor(this.#indexed / TILE_WIDTH)
    const last = Math.min(first + BUNDLES_PER_STEP, Math.ceil(this.#size / TILE_WIDTH))
    this.#database.exec('begin')
    for (let bundle = first; bundle < last; bundle++)
      this.#insert(readEntries(this.#directory, bundle, this.#indexed, this.#size))
    this.#uses.flush()
    this.#statement('update meta set indexed = ?, last_leaf = ?').run(this.#indexed, this.#lastLeaf)
    this.#database.exec('commit')
    return this.#indexed < this.#size
  }

  /** Finds records; each intent with its outcome. @throws {GatewayError} as every question, `SP_API_UNAVAILABLE` when the index was changed by somebody else; `SP_TRAIL_TAMPERED` */
  query(query: RecordQuery): readonly RecordRow[] {
    this.#assertOwn()
    const { where, values } = conditions(query, this.#agentColumn(query.agent))
    const order = query.after === undefined ? 'desc' : 'asc'
    const rows = this.#database
      .prepare(`select sequence, phase, offset, length from record ${where} order by sequence ${order} limit ?`)
      .all(...values, query.limit)
    return rows.map((row) => this.#toRow(Number(row['sequence']), row))
  }

  /** One record by its number. */
  record(sequence: number): RecordRow | undefined {
    this.#assertOwn()
    const row = this.#database
      .prepare('select sequence, phase, offset, length from record where sequence = ?')
      .get(sequence)
    return row === undefined ? undefined : this.#toRow(sequence, row)
  }

  /** The records of a period, both ends included, with numbers below `size`: all of them, so not before they are indexed. */
  span(fromMs: number, toMs: number, size: number): RecordSpan | undefined {
    this.#assertOwn()
    if (this.#indexed < Math.min(size, this.#size))
      throw new GatewayError('SP_API_UNAVAILABLE', 'the index of records is still being built')
    const sql =
      'select min(sequence) as first, max(sequence) as last, count(*) as count from record where time between ? and ? and sequence < ?'
    const row = this.#database.prepare(sql).get(fromMs, toMs, size)
    const count = Number(row?.['count'])
    return count === 0 ? undefined : { first: Number(row?.['first']), last: Number(row?.['last']), count }
  }

  /** What policies were used for, those used last first. */
  uses(query: UseQuery): readonly PolicyUse[] {
    this.#assertOwn()
    return this.#uses.find(query)
  }

  close(): void {
    this.#database.close()
  }

  /** Who is known by an id is meant by it, whatever others call themselves. */
  #agentColumn(agent: string | undefined): 'agent' | 'agent_name' {
    const isId =
      agent !== undefined && this.#database.prepare('select 1 from record where agent = ? limit 1').get(agent)
    return isId === undefined ? 'agent_name' : 'agent'
  }

  #toRow(sequence: number, row: Readonly<Record<string, unknown>>): RecordRow {
    const leaf = this.#leaf(placeOf(row))
    const outcome = row['phase'] === 'intent' ? this.#outcomeOf(sequence) : undefined
    return outcome === undefined ? { sequence, leaf } : { sequence, leaf, outcome }
  }

  #outcomeOf(intent: number): JsonObject | undefined {
    const row = this.#database.prepare('select sequence, offset, length from record where intent = ?').get(intent)
    return row === undefined ? undefined : this.#leaf(placeOf(row))
  }

  /** What lies at a place must be the record of that number: else it is another place in the log, or the log itself is damaged. */
  #leaf(place: EntryPlace): JsonObject {
    const { sequence, offset, length } = place
    const leaf = this.#read(place)
    if (member(leaf?.['metadata'], 'sequence') === sequence && leaf !== undefined) return leaf
    const bundle = Math.floor(sequence / TILE_WIDTH)
    const [entry] = readEntries(this.#directory, bundle, sequence, this.#size)
    if (entry?.offset !== offset || entry.length !== length) throw this.#damaged()
    throw new GatewayError('SP_TRAIL_TAMPERED', `what the log has in the place of record ${sequence} is another one`)
  }

  #read(place: EntryPlace): JsonObject | undefined {
    try {
      return parseLeaf(readEntry(this.#directory, place, this.#size))
    } catch (error) {
      // No such place in the bundle.
      if (error instanceof RangeError) return undefined
      throw error
    }
  }

  #insert(entries: readonly PlacedEntry[]): void {
    const insert = this.#statement('insert into record values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
    const insertCause = this.#statement('insert or ignore into cause values (?, ?)')
    for (const { sequence, offset, length, json } of entries) {
      const leaf = parseLeaf(json) ?? {}
      const columns = leafColumns(leaf)
      const { time, phase, actor, agent, agentName, session, resource, verb, decision, intent } = columns
      const who = [actor, agent, agentName, session, resource, verb, decision, intent]
      const { server, tool, approval } = columns
      insert.run(sequence, time, phase, ...who, server, tool, approval, offset, length)
      for (const call of columns.calls) insertCause.run(call, sequence)
      this.#uses.note(sequence, leaf, columns)
      this.#indexed = sequence + 1
      this.#lastLeaf = json
    }
    this.#lastLeaf = entries.length === 0 ? this.#lastLeaf : digest(this.#lastLeaf)
  }

  /** An index fits when it is of this version and log, is not ahead of the log, has a row for each record, and its last is still the log's. */
  #isUsable(): boolean {
    try {
      const meta = this.#database.prepare('select version, origin, indexed, last_leaf from meta').get()
      const indexed = Number(meta?.['indexed'])
      if (meta?.['version'] !== INDEX_VERSION || meta['origin'] !== this.#origin || indexed > this.#size) return false
      this.#indexed = indexed
      this.#lastLeaf = String(meta['last_leaf'])
      return this.#isDense() && (indexed === 0 || this.#lastLeafMatches(indexed - 1))
    } catch {
      return false
    }
  }

  /** Numbers are from 0 and each is there once, so their count tells whether one is missing: 8 ms for a million. */
  #isDense(): boolean {
    // One by one: SQLite finds each in an index, and all three at once only by a walk over the table.
    const sql = `select (select count(*) from record) as count, (select min(sequence) from record) as first,
      (select max(sequence) from record) as last`
    const { count, first, last } = this.#database.prepare(sql).get() ?? {}
    return count === this.#indexed && (count === 0 || (first === 0 && last === count - 1))
  }

  #lastLeafMatches(sequence: number): boolean {
    const row = this.#database.prepare('select sequence, offset, length from record where sequence = ?').get(sequence)
    if (row === undefined) return false
    return digest(readEntry(this.#directory, placeOf(row), this.#size)) === this.#lastLeaf
  }

  #rebuild(): void {
    this.#database.exec(DROP)
    this.#database.exec(SCHEMA)
    this.#statement('insert into meta values (?, ?, 0, ?)').run(INDEX_VERSION, this.#origin, '')
    this.#indexed = 0
    this.#lastLeaf = ''
    this.#version = this.#dataVersion()
  }

  /** Nobody else writes to the file: an index that somebody else changed gives no answer. */
  #assertOwn(): void {
    if (this.#dataVersion() !== this.#version) throw this.#damaged()
  }

  #damaged(): GatewayError {
    this.#rebuild()
    return new GatewayError('SP_API_UNAVAILABLE', 'the index of records was changed: it is built anew from the log')
  }

  #dataVersion(): unknown {
    return this.#statement('pragma data_version').get()?.['data_version']
  }

  #statement(sql: string): StatementSync {
    return this.#database.prepare(sql)
  }
}

/** Opens the file; what is no database is replaced by an empty one, since everything in it can be derived again. */
function openDatabase(file: string): DatabaseSync {
  try {
    return configured(file)
  } catch {
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true })
    return configured(file)
  }
}

/** For its owner alone; SQLite gives its side files the same mode. */
function configured(file: string): DatabaseSync {
  const descriptor = openSync(file, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
  fchmodSync(descriptor, 0o600)
  closeSync(descriptor)
  const database = new DatabaseSync(file)
  // A lost transaction is indexed again, so the write-ahead log need not be synced at each commit.
  database.exec('pragma journal_mode = wal; pragma synchronous = normal; pragma wal_autocheckpoint = 20000')
  return database
}

function placeOf(row: Readonly<Record<string, unknown>>): EntryPlace {
  return { sequence: Number(row['sequence']), offset: Number(row['offset']), length: Number(row['length']) }
}

function digest(json: string): string {
  return createHash('sha256').update(json).digest('hex')
}
