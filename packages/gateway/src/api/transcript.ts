import type { Context } from 'hono'
import { fromUtf8 } from '#base'
import type { InclusionProof, RecordRow } from '#model/read'
import { ApiRefusal, authorize, may } from './access.ts'
import { API_VERSION } from './contract.ts'
import type { ApiEnvironment } from './environment.ts'
import { parseQuery } from './input.ts'
import { caughtUp, member, personsOf, requestOf, toView } from './record-view.ts'
import type { ApiServices } from './services.ts'
import { type Transcript, type TranscriptEntry, transcriptPaging } from './transcript-contract.ts'

/** What one call caused: more is said to be there, and found by its reference. */
const MAX_CAUSED = 100
/** The records of one request: opened, a few answers, used. */
const MAX_REQUEST = 20
/** A page ends when its payloads come to this. */
const MAX_PAYLOAD_BYTES = 8_388_608
/** Outcomes lie between the records of a session; they are shown with their intents. */
const ROWS_PER_QUERY = 1_000

/** A record of the session with what is shown under it. */
interface Item {
  readonly row: RecordRow
  readonly caused: readonly RecordRow[]
  readonly moreCaused: boolean
}

/** What all entries of a page draw on. */
interface Material {
  readonly payloads: ReadonlyMap<number, string>
  readonly proofs: ReadonlyMap<number, InclusionProof>
  readonly requests: ReadonlyMap<string, readonly RecordRow[]>
}

/**
 * `GET /sessions/ID/transcript`: every operation with decision, approval, masking record, outcome, payload and proof. That it is opened is one record
 * for each page, with the range and how many payloads, before any of it is read.
 */
export async function transcript(services: ApiServices, context: Context<ApiEnvironment>): Promise<Response> {
  const { after, limit } = parseQuery(context, transcriptPaging)
  const session = (context.req.param('id') ?? '').slice(0, 64)
  const { caller } = context.var
  const deed = { action: 'readTrail', activity: 'transcript-open' } as const
  // Nobody learns whether there was such a session before policy lets them read.
  if (!may(services, caller, 'readTrail')) await authorize(services, caller, { ...deed, details: { session } })
  await caughtUp(services)
  const { items, next } = await pageOf(services, session, { after, limit })
  const mayOpen = may(services, caller, 'openPayload')
  const opened = mayOpen ? items.flatMap(rowsOf).filter(hasPayload) : []
  const details = { session, ...rangeOf(items), payloads: new Set(opened.map(({ sequence }) => sequence)).size }
  const ref = await authorize(services, caller, { ...deed, details })
  if (items.length === 0) throw new ApiRefusal('SP_API_NOT_FOUND', 'no record is of this session')
  const { head, proofs } = await services.reader.prove(provable(items))
  const material: Material = {
    payloads: await openPayloads(services, opened),
    proofs: new Map(proofs.flatMap((proof) => (proof === undefined ? [] : [[proof.sequence, proof]]))),
    requests: await requestsOf(services, items),
  }
  const persons = [...items.flatMap(rowsOf), ...[...material.requests.values()].flat()].flatMap(personsOf)
  const answer: Transcript = {
    apiVersion: API_VERSION,
    kind: 'Transcript',
    session,
    entries: items.map((item) => toEntry(item, material)),
    names: await services.logins.names([...new Set(persons)]),
    payloads: mayOpen ? 'opened' : 'not-permitted',
    head,
    ref,
    ...(next === undefined ? {} : { next }),
  }
  return context.json(answer)
}

interface Page {
  readonly items: readonly Item[]
  readonly next: number | undefined
}

/** The next records of a session, with what its calls caused; fewer when their payloads are long. */
async function pageOf(
  services: ApiServices,
  session: string,
  paging: { readonly after: number; readonly limit: number },
): Promise<Page> {
  const items: Item[] = []
  let bytes = 0
  let { after } = paging
  for (;;) {
    const { rows } = await services.reader.query({ session, after, limit: ROWS_PER_QUERY })
    for (const row of rows) {
      const item = isOutcome(row) ? undefined : await withCaused(services, row)
      if (item !== undefined) {
        bytes += rowsOf(item).reduce((sum, each) => sum + payloadBytes(each), 0)
        const isFull = items.length >= paging.limit || (items.length > 0 && bytes > MAX_PAYLOAD_BYTES)
        if (isFull) return { items, next: after }
        items.push(item)
      }
      after = row.sequence
    }
    if (rows.length < ROWS_PER_QUERY) return { items, next: undefined }
  }
}

async function withCaused({ reader }: ApiServices, row: RecordRow): Promise<Item> {
  if (member(row.leaf, 'api') === undefined || !hasPayload(row)) return { row, caused: [], moreCaused: false }
  const { rows } = await reader.query({ causedBy: row.sequence, after: -1, limit: MAX_CAUSED + 1 })
  return { row, caused: rows.slice(0, MAX_CAUSED), moreCaused: rows.length > MAX_CAUSED }
}

function rowsOf({ row, caused }: Item): readonly RecordRow[] {
  return [row, ...caused]
}

function isOutcome({ leaf }: RecordRow): boolean {
  return member(leaf['unmapped'], 'phase') === 'outcome'
}

/** Only operations have one. */
function hasPayload({ leaf }: RecordRow): boolean {
  return member(leaf['unmapped'], 'payload') !== undefined
}

function payloadBytes({ leaf }: RecordRow): number {
  const size = member(member(leaf['unmapped'], 'payload'), 'size')
  return typeof size === 'number' ? size : 0
}

/** For the record of the reading: which records, and how many. */
function rangeOf(items: readonly Item[]): Readonly<Record<string, number>> {
  const [first, last] = [items[0], items.at(-1)]
  if (first === undefined || last === undefined) return { records: 0 }
  const shown = new Set(items.flatMap(rowsOf).map(({ sequence }) => sequence))
  return { first: first.row.sequence, last: last.row.sequence, records: shown.size }
}

function provable(items: readonly Item[]): readonly number[] {
  const sequences = items.flatMap(rowsOf).flatMap((row) => [row.sequence, ...outcomeNumber(row)])
  return [...new Set(sequences)].sort((a, b) => a - b)
}

function outcomeNumber({ outcome }: RecordRow): readonly number[] {
  const sequence = member(member(outcome, 'metadata'), 'sequence')
  return typeof sequence === 'number' ? [sequence] : []
}

/** What one of two calls caused is shown under both, and opened once. */
async function openPayloads({ reader }: ApiServices, rows: readonly RecordRow[]): Promise<ReadonlyMap<number, string>> {
  const payloads = new Map<number, string>()
  for (const { sequence } of rows) {
    const bytes = payloads.has(sequence) ? undefined : await reader.payload(sequence)
    if (bytes !== undefined) payloads.set(sequence, fromUtf8(bytes))
  }
  return payloads
}

async function requestsOf(
  { reader }: ApiServices,
  items: readonly Item[],
): Promise<ReadonlyMap<string, readonly RecordRow[]>> {
  const requests = new Map<string, readonly RecordRow[]>()
  for (const row of items.flatMap(rowsOf)) {
    const approval = hasPayload(row) ? requestOf(row) : undefined
    if (approval === undefined || requests.has(approval)) continue
    const { rows } = await reader.query({ approval, phase: 'event', after: -1, limit: MAX_REQUEST })
    requests.set(approval, rows)
  }
  return requests
}

function toEntry({ row, caused, moreCaused }: Item, material: Material): TranscriptEntry {
  return {
    ...toBareEntry(row, material),
    ...(caused.length === 0 ? {} : { caused: caused.map((each) => toBareEntry(each, material)) }),
    ...(moreCaused ? { moreCaused } : {}),
  }
}

function toBareEntry(row: RecordRow, { payloads, proofs, requests }: Material): TranscriptEntry {
  const payload = payloads.get(row.sequence)
  const proof = proofs.get(row.sequence)
  const [outcome = -1] = outcomeNumber(row)
  const outcomeProof = proofs.get(outcome)
  const request = hasPayload(row) ? (requests.get(requestOf(row) ?? '') ?? []) : []
  return {
    ...toView(row),
    ...(payload === undefined ? {} : { payload }),
    ...(proof === undefined ? {} : { proof }),
    ...(outcomeProof === undefined ? {} : { outcomeProof }),
    ...(request.length === 0 ? {} : { request: request.map(toView) }),
  }
}
