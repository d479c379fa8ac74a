import { join } from 'node:path'
import {
  CHECKPOINT_PATH,
  type Checkpoint,
  MAX_NOTE_BYTES,
  type NoteSigner,
  openCheckpoint,
  signCheckpoint,
  VerifierError,
} from '@sallyport/verifier'
import type { Bytes } from '#base'
import { Derivation } from './derivation.ts'
import type { Entry } from './entry.ts'
import { placeFile, readWhole } from './file-port.ts'
import type { Cut } from './lifecycle-facts.ts'
import { tampered } from './log-edge.ts'
import { INCOMING } from './log-files.ts'
import { LogReader, type Position } from './log-reader.ts'
import { LogWriter } from './log-writer.ts'
import type { OpenIntent } from './open-intents.ts'
import { recycle } from './recycling.ts'
import { damaged, type SegmentSource } from './segment-reader.ts'
import { readState, type TrailState, writeState } from './state.ts'

/** What the sequencer works on. */
export interface SequencerSource extends SegmentSource {
  /** The public folder: `checkpoint`, tiles, bundles, payloads. */
  readonly folder: string
  readonly signer: NoteSigner
}

/** A checkpoint that was published. */
export interface PublishedCheckpoint {
  readonly size: number
  /** The signed note. */
  readonly text: string
}

const FIRST_SEGMENT = 1
const NEW_LOG: TrailState = { size: 0, checkpoint: '', segment: FIRST_SEGMENT, open: [], cuts: [] }

/**
 * Derives the log from the write-ahead files: leaves, payload ciphertexts, tiles, the signed checkpoint. It reads only what is durable, and nothing
 * but the files: recovery is this code. After any error the object is dead; another one is opened from the files.
 */
export class Sequencer {
  readonly #source: SequencerSource
  readonly #log: LogWriter
  readonly #reader: LogReader
  readonly #open: Map<number, OpenIntent>
  readonly #firstSegment: number
  #state: TrailState
  #cuts: readonly Cut[]
  #derivation: Derivation | undefined

  private constructor(source: SequencerSource, state: TrailState, log: LogWriter) {
    this.#source = source
    this.#firstSegment = state.segment
    this.#state = state
    this.#log = log
    this.#reader = new LogReader(source, state)
    this.#open = new Map(state.open.map((open) => [open.index, open]))
    this.#cuts = state.cuts
  }

  /**
   * Opens the log as it was last signed, and publishes that checkpoint when a crash came in between.
   *
   * @throws {GatewayError} `SP_TRAIL_TAMPERED`
   */
  static async open(source: SequencerSource): Promise<Sequencer> {
    const { files, folder, walFolder } = source
    // Names that a killed process left in the cache of the system only must not be built upon.
    await files.syncFolder(walFolder)
    await files.syncFolder(folder)
    const state = (await readState(files, walFolder)) ?? NEW_LOG
    const signed = state.checkpoint === '' ? undefined : openOwn(source, Buffer.from(state.checkpoint))
    if ((signed?.size ?? 0) !== state.size) throw tampered('the state of the trail is not that of its checkpoint')
    await republish(source, state, signed)
    return new Sequencer(source, state, await LogWriter.open(files, folder, state.size, signed?.root))
  }

  /** Records in the log, signed or not. */
  get size(): number {
    return this.#log.size
  }

  /** The last checkpoint; its text is empty before the first. */
  get published(): PublishedCheckpoint {
    return { size: this.#state.size, text: this.#state.checkpoint }
  }

  /** The lowest segment that is still needed. */
  get segment(): number {
    return this.#state.segment
  }

  /** Intents that have no outcome in the log. */
  get openIntents(): readonly OpenIntent[] {
    return [...this.#open.values()].sort((a, b) => a.index - b.index)
  }

  /** Cut tails that no start record in the log declares. */
  get cuts(): readonly Cut[] {
    return this.#cuts
  }

  /** Notes a tail that recovery cut; the next state keeps it until a start record declares it. */
  noteCut(cut: Cut): void {
    this.#cuts = [...this.#cuts, cut]
  }

  /**
   * Takes everything before a durable position into the log.
   *
   * @param pause called between bundles; a checkpoint may be due.
   */
  async integrate(position: Position, pause?: () => Promise<void>): Promise<void> {
    for (;;) {
      const frame = await this.#reader.next(position)
      if (frame === undefined) return
      const { header } = frame
      if (this.#derivation?.segment !== header.segment) {
        const dayKey = this.#source.dayKey(header.keyId)
        if (dayKey === undefined) throw damaged(header.segment, `the day key ${header.keyId} is missing`)
        this.#derivation = new Derivation(header, dayKey)
      }
      for (const entry of frame.entries) await this.#take(this.#derivation, entry)
      await pause?.()
    }
  }

  /** Signs, keeps and publishes a checkpoint of what was integrated; undefined when there is nothing new. */
  async checkpoint(): Promise<PublishedCheckpoint | undefined> {
    if (this.size === this.#state.size) return undefined
    await this.#save(this.#reader.segment)
    return this.published
  }

  /** Ends a recovery: segments below `segment` are done with, also when they brought nothing. */
  async finish(segment: number): Promise<void> {
    await this.#reader.close()
    const isUnchanged =
      segment === this.#state.segment && this.size === this.#state.size && this.#cuts === this.#state.cuts
    if (!isUnchanged) await this.#save(segment)
  }

  async close(): Promise<void> {
    await this.#reader.close()
  }

  async #take(derivation: Derivation, entry: Entry): Promise<void> {
    const record = derivation.take(entry, (index) => index >= this.size)
    if (record === undefined) return
    if (record.opens !== undefined) this.#open.set(record.opens.index, record.opens)
    if (record.closes !== undefined && !this.#open.delete(record.closes)) {
      throw damaged(derivation.segment, `record ${this.size} ends record ${record.closes}, which is not open`)
    }
    if (record.isStart === true) this.#cuts = []
    this.#log.add(record.leaf, record.blob)
    if (this.#log.mustFlush) await this.#log.flush()
  }

  /** Tiles before the state, the state before the checkpoint, all of them before the segments go. */
  async #save(segment: number): Promise<void> {
    const { files, walFolder } = this.#source
    const former = this.#state
    const size = this.size
    const root = await this.#log.complete()
    const checkpoint = size === former.size ? former.checkpoint : this.#sign(size, root)
    this.#state = { size, checkpoint, segment, open: this.openIntents, cuts: this.#cuts }
    await writeState(files, walFolder, this.#state)
    if (checkpoint !== former.checkpoint) await publish(this.#source, checkpoint)
    await this.#log.dropPartials()
    if (segment !== former.segment) await recycle(this.#source, segment, (old) => this.#mayBeUsedAgain(old))
  }

  /** A segment of before this object was opened may have been left behind with a write of unknown fate, too. */
  #mayBeUsedAgain(segment: number): boolean {
    return segment >= this.#firstSegment && !this.#reader.isAbandoned(segment)
  }

  #sign(size: number, root: Bytes): string {
    const { origin, signer } = this.#source
    return Buffer.from(signCheckpoint({ origin, size, root, extensions: [] }, [signer])).toString('utf8')
  }
}

/** Publishes the checkpoint of the state when a crash came before that; refuses one that the state does not know. */
async function republish(source: SequencerSource, state: TrailState, signed: Checkpoint | undefined): Promise<void> {
  const bytes = await readWhole(source.files, join(source.folder, CHECKPOINT_PATH), MAX_NOTE_BYTES)
  if (bytes === undefined) {
    if (signed !== undefined) await publish(source, state.checkpoint)
    return
  }
  if (bytes.toString('utf8') === state.checkpoint) return
  const found = openOwn(source, bytes)
  if (signed === undefined || found.size >= signed.size) {
    throw tampered(
      `a checkpoint of ${found.size} records is published, but the state of the trail is that of ${state.size}`,
    )
  }
  await publish(source, state.checkpoint)
}

async function publish(source: SequencerSource, checkpoint: string): Promise<void> {
  const { files, folder } = source
  await placeFile(files, join(folder, INCOMING), join(folder, CHECKPOINT_PATH), [Buffer.from(checkpoint)])
  await files.syncFolder(folder)
}

function openOwn({ signer, origin }: SequencerSource, note: Bytes): Checkpoint {
  try {
    const { checkpoint } = openCheckpoint(note, [signer.key])
    if (checkpoint.origin !== origin) throw tampered(`the checkpoint is that of ${checkpoint.origin}`)
    return checkpoint
  } catch (error) {
    if (error instanceof VerifierError) throw tampered(`the last checkpoint does not verify: ${error.message}`)
    throw error
  }
}
