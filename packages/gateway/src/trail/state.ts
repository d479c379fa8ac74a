import { join } from 'node:path'
import { canonicalJson, type Json, type JsonObject } from '#base'
import { type FilePort, placeFile, readWhole } from './file-port.ts'
import { tampered } from './log-edge.ts'
import { type Cut, cutJson } from './lifecycle-facts.ts'
import { isOpenIntent, type OpenIntent } from './open-intents.ts'

const FILE = 'state'
const TEMPORARY = 'state.tmp'
const VERSION = 1
/** Open intents are bounded at write; each takes a few hundred bytes. */
const MAX_STATE_BYTES = 256 * 1024 * 1024

/**
 * What the log was when it was last signed. It is the authority: a checkpoint is signed once, kept here, and only then published, so two that
 * contradict each other cannot be signed.
 */
export interface TrailState {
  readonly size: number
  /** The signed checkpoint of that size; empty before the first. */
  readonly checkpoint: string
  /** The lowest segment that may hold records behind `size`; those before it are done with. */
  readonly segment: number
  /** Intents without outcome: one may be older than every segment that is left. */
  readonly open: readonly OpenIntent[]
  /** Tails that were cut and are not on record yet. */
  readonly cuts: readonly Cut[]
}

/** Reads the state, or gives undefined when there is none. @throws {GatewayError} `SP_TRAIL_TAMPERED` */
export async function readState(files: FilePort, walFolder: string): Promise<TrailState | undefined> {
  const bytes = await readWhole(files, join(walFolder, FILE), MAX_STATE_BYTES)
  if (bytes === undefined) return undefined
  const state = parseState(bytes.toString('utf8'))
  if (state === undefined) throw tampered('the state of the trail cannot be read')
  return state
}

/** Replaces the state, durably. */
export async function writeState(files: FilePort, walFolder: string, state: TrailState): Promise<void> {
  const json = canonicalJson({
    checkpoint: state.checkpoint,
    cuts: state.cuts.map(cutJson),
    open: state.open,
    segment: state.segment,
    size: state.size,
    version: VERSION,
  })
  await placeFile(files, join(walFolder, TEMPORARY), join(walFolder, FILE), [Buffer.from(json)])
  await files.syncFolder(walFolder)
}

function parseState(text: string): TrailState | undefined {
  const json = parseJson(text)
  if (!isObject(json) || json['version'] !== VERSION) return undefined
  const { checkpoint, cuts, open, segment, size } = json
  if (typeof checkpoint !== 'string' || !isCount(segment) || !isCount(size)) return undefined
  if (!Array.isArray(cuts) || !Array.isArray(open)) return undefined
  const parsed = cuts.map(parseCut)
  if (!open.every(isOpenIntent) || !parsed.every((cut) => cut !== undefined)) return undefined
  return { checkpoint, cuts: parsed, open, segment, size }
}

function parseCut(json: Json): Cut | undefined {
  if (!isObject(json)) return undefined
  const { first_index: firstIndex, offset, segment } = json
  return isCount(firstIndex) && isCount(offset) && isCount(segment) ? { firstIndex, offset, segment } : undefined
}

function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    // Renamed into place whole: what cannot be parsed was changed by somebody, which the caller says.
    return undefined
  }
}

function isCount(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
