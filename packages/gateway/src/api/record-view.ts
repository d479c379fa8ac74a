import { setTimeout as delay } from 'node:timers/promises'
import { formatRef, type JsonObject } from '#base'
import type { RecordRow } from '#model/read'
import type { RecordView } from './contract.ts'
import type { ApiServices } from './services.ts'

/** A record for reading. */
export function toView(row: RecordRow): RecordView {
  const view = { ref: formatRef(row.sequence), sequence: row.sequence, leaf: row.leaf }
  return row.outcome === undefined ? view : { ...view, outcome: row.outcome }
}

/** Everybody whom a record names, by stable id: who acted, who approved, who asked. */
export function personsOf({ leaf }: Pick<RecordRow, 'leaf'>): readonly string[] {
  const unmapped = leaf['unmapped']
  const approvers = list(member(member(unmapped, 'approval'), 'approvers'))
  const requester = member(member(unmapped, 'details'), 'requester')
  const named = [actorOf(leaf), requester, ...approvers]
  return named.filter((id) => typeof id === 'string')
}

/** `actor.user.uid` of a leaf. */
export function actorOf(leaf: JsonObject): string | undefined {
  const uid = member(member(leaf['actor'], 'user'), 'uid')
  return typeof uid === 'string' ? uid : undefined
}

/**
 * The request for approval that a record is about: the one it ran under, the one that it opened, answered or ended, or the one that was opened or
 * found for it because it was held.
 */
export function requestOf({ sequence, leaf, outcome }: RecordRow): string | undefined {
  const unmapped = leaf['unmapped']
  const under = member(member(unmapped, 'approval'), 'request')
  if (typeof under === 'string') return under
  const { entity } = leaf
  const uid = member(entity, 'uid')
  if (member(entity, 'type') === 'request' && typeof uid === 'string') return uid
  if (member(member(unmapped, 'decision'), 'outcome') !== 'hold') return undefined
  const found = member(member(outcome, 'unmapped'), 'request')
  return typeof found === 'string' ? found : formatRef(sequence)
}

/** Numbers of the calls that may have caused what a record says. */
export function callsOf({ leaf }: RecordRow): readonly number[] {
  const records = list(member(member(leaf['unmapped'], 'caused_by'), 'records'))
  return records.map((record) => member(record, 'index')).filter((index) => typeof index === 'number')
}

/** A member of a JSON value, undefined when it is no object or has none. */
export function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** A record is read once it is in a signed checkpoint and indexed: usually a second after it was made. */
const CATCH_UP_MS = 3_000
const CATCH_UP_STEP_MS = 50

/**
 * Waits, for a bounded time, until what is durable now can be read (or the one record asked for), so that a reference can be asked about as
 * soon as it was shown.
 */
export async function caughtUp({ reader, clock }: ApiServices, sequence?: number): Promise<void> {
  const { durable } = await reader.status()
  const wanted = sequence === undefined ? durable : Math.min(durable, sequence + 2)
  const until = clock.monotonicMs() + CATCH_UP_MS
  while ((await reader.status()).indexed < wanted && clock.monotonicMs() < until) await delay(CATCH_UP_STEP_MS)
}
