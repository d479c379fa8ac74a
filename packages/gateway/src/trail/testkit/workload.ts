/** Statements of several writers at once, and a witness that notes what was promised at every point of the disk. */
import assert from 'node:assert/strict'
import { join, relative } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { parseResourcePath, TILE_WIDTH } from '@sallyport/verifier'
import { GatewayError, type IntentEntry, type Outcome, type OutcomeStatus } from '#model'
import type { Trail } from '../index.ts'
import { checkRecovery, DIRECTORY, type Promises } from './disk-trail.ts'
import type { CrashMode, LossyDisk, Point } from './lossy-disk.ts'
import { alice, call, callSession, drop, held, select, session, toolSession } from './samples.ts'

const WRITERS = 8
const START_MS = 1_795_262_400_000

/** A small generator, so that a failure can be repeated. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** What was promised when the disk was at a point, with the disk as it was then. */
export interface CrashPoint {
  readonly disk: LossyDisk
  readonly point: Point
  readonly promises: Promises
}

/** Notes what is promised while a trail runs, and keeps disk and promises at every point. */
export class Witness implements Promises {
  readonly points: CrashPoint[] = []
  readonly receipts = new Map<number, string>()
  readonly checkpoints = new Set<string>()
  readonly #disk: LossyDisk

  constructor(disk: LossyDisk, before?: Promises) {
    this.#disk = disk
    for (const [index, payload] of before?.receipts ?? []) this.receipts.set(index, payload)
    for (const checkpoint of before?.checkpoints ?? []) this.checkpoints.add(checkpoint)
    disk.onPoint = (point) => this.#note(point)
  }

  #note(point: Point): void {
    this.#checkCovered(point)
    const published = this.#disk.contentOf(join(DIRECTORY, 'checkpoint'))
    if (published !== undefined) this.checkpoints.add(published.toString('utf8'))
    const promises = { receipts: new Map(this.receipts), checkpoints: new Set(this.checkpoints) }
    this.points.push({ disk: this.#disk.snapshot(), point, promises })
  }

  /** A file that a published checkpoint covers is never written again, not even with the same bytes. */
  #checkCovered({ operation, path }: Point): void {
    const file = relative(DIRECTORY, path)
    if (operation !== 'rename' || !/^(tile|payload)\//.test(file)) return
    const published = this.#disk.contentOf(join(DIRECTORY, 'checkpoint'))?.toString('utf8') ?? ''
    const size = Number(published.split('\n')[1] ?? 0)
    assert.ok(recordsUpTo(file) > size, `${file} is covered by the checkpoint of ${size}`)
  }
}

/** How many records a log must have for this file to be covered. */
function recordsUpTo(file: string): number {
  const { index, width, ...resource } = parseResourcePath(file)
  return (index * TILE_WIDTH + width) * TILE_WIDTH ** (resource.kind === 'tile' ? resource.level : 0)
}

/** What became of the statements. */
export interface Work {
  /** Payloads that were refused: nothing was sent for them. */
  readonly refused: string[]
  /** Intents that an outcome was handed over for. */
  readonly concluded: ReadonlySet<number>
  /** The number of the next statement. */
  readonly next: number
}

/** Operations, some in pairs, some denied, some never concluded, an event now and then. What is refused is not tried again. */
export async function work(
  trail: Trail,
  witness: Promises,
  isDone: (next: number) => boolean,
  first = 0,
): Promise<Work> {
  const refused: string[] = []
  const concluded = new Set<number>()
  let next = first
  const writer = async (): Promise<void> => {
    while (!isDone(next)) {
      const number = next
      const isPair = number % 5 === 0
      next += isPair ? 2 : 1
      const payloads = [number, ...(isPair ? [number + 1] : [])].map((id) => `{"statement":"select 'literal ${id}'"}`)
      const sequences = await unlessRefused(statements(trail, number, payloads))
      if (sequences === undefined) {
        refused.push(...payloads)
        await nextTurn()
        continue
      }
      sequences.forEach((sequence, at) => witness.receipts.set(sequence, payloads[at] ?? ''))
      for (const intent of conclude(trail, sequences, number)) concluded.add(intent)
      if (number % 10 === 0) await unlessRefused(closeSession(trail))
      await nextTurn()
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, writer))
  return { refused, concluded, next }
}

async function unlessRefused<T>(recording: Promise<T>): Promise<T | undefined> {
  try {
    return await recording
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'SP_TRAIL_UNAVAILABLE') return undefined
    throw error
  }
}

async function statements(trail: Trail, number: number, payloads: readonly string[]): Promise<readonly number[]> {
  const timeMs = START_MS + number
  const asked = operation(number)
  const receipts = await trail.record(
    payloads.map((payload) => ({ kind: 'intent', timeMs, ...asked, payload: Buffer.from(payload) })),
  )
  return receipts.map(({ sequence }) => sequence)
}

/** Statements mostly; some tool calls, of which some were approved, and statements that calls caused. */
function operation(number: number): Pick<IntentEntry, 'session' | 'decided' | 'via' | 'approval'> {
  if (number % 6 === 0) {
    const approval = {
      request: '00000A',
      records: [number, number + 1],
      approvers: ['p_bob'],
      binding: 'b1'.repeat(32),
    }
    return { session: callSession, decided: call, ...(number % 12 === 0 ? { approval } : {}) }
  }
  if (number % 7 === 0) {
    const way = { server: 'ledger', childId: 'c_41', cause: 'exact', tool: 'refund', calls: [number] } as const
    return { session: toolSession, decided: select, via: way }
  }
  return { session, decided: number % 9 === 0 ? drop : number % 11 === 0 ? held : select }
}

function conclude(trail: Trail, sequences: readonly number[], number: number): readonly number[] {
  const ended = sequences.filter((intent) => intent % 13 !== 0)
  for (const intent of ended) {
    trail.conclude({ kind: 'outcome', timeMs: START_MS + number + 1, intent, outcome: outcomeOf(intent) })
  }
  return ended
}

async function closeSession(trail: Trail): Promise<void> {
  const event = { class: 'authorize-session', activity: 'close', actor: alice, session, status: 'success' } as const
  await trail.record([{ kind: 'event', timeMs: START_MS, event }])
}

const STATUSES: readonly OutcomeStatus[] = ['success', 'error', 'cancelled', 'masking-refused', 'skipped', 'lost']

function outcomeOf(number: number): Outcome {
  const status = STATUSES[number % STATUSES.length] ?? 'lost'
  const masking = { ruleset: '88e4', columns: [{ name: 'pan', rule: 'declared-pan', seen: 3, masked: number % 3 }] }
  const facts = { status, rows: number % 7, bytes: number * 3, durationMs: number / 8 }
  return number % 4 === 0 ? { ...facts, masking, digest: 'ab'.repeat(32) } : facts
}

const MODES: readonly CrashMode[] = ['lose', 'tear', 'tear', 'kill']

function anyMode(random: () => number): CrashMode {
  return MODES[Math.floor(random() * MODES.length)] ?? 'lose'
}

/** How many crashes were recovered from, and how many of them in a recovery. */
export interface CrashCount {
  readonly crashes: number
  readonly nested: number
}

/** Which crashes are tried. */
export interface CrashPlan {
  readonly seed: number
  /** One in so many recoveries is crashed too. */
  readonly nestedEvery: number
  /** Every point, or one in so many. */
  readonly stride?: number
}

/** Crashes at the points that were noted, and in the midst of some recoveries; checks each time that every promise is kept. */
export async function crashEverywhere(points: readonly CrashPoint[], options: CrashPlan): Promise<CrashCount> {
  const random = randomFrom(options.seed)
  const { stride = 1 } = options
  let crashes = 0
  let nested = 0
  for (const [number, { disk, point, promises }] of points.entries()) {
    if ((number + options.seed) % stride !== 0) continue
    crashes += 1
    const mode = anyMode(random)
    const crashed = disk.crash(mode, random)
    try {
      const inner = crashes % options.nestedEvery === 0 ? new Witness(crashed, promises) : undefined
      await checkRecovery(crashed, promises)
      const again = inner?.points[Math.floor(random() * inner.points.length)]
      if (again === undefined) continue
      await checkRecovery(again.disk.crash(anyMode(random), random), again.promises)
      nested += 1
    } catch (cause) {
      const where = `seed ${options.seed}, point ${number} (${point.operation} ${point.path}), ${mode}`
      throw new Error(`${where}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    }
  }
  return { crashes, nested }
}
