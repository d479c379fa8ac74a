import { dirname, join } from 'node:path'
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import { VKEY_PATH } from '@sallyport/verifier'
import { GatewayError } from '#model'
import { blockingFiles } from './blocking-files.ts'
import { Board } from './board.ts'
import { DayKeys } from './day-keys.ts'
import { withDeadline } from './deadline.ts'
import { type FilePort, placeFile, readWhole } from './file-port.ts'
import { FolderLock } from './folder-lock.ts'
import { ItemMaker } from './items.ts'
import { productFacts } from './lifecycle-facts.ts'
import { DEFAULT_LIMITS } from './limits.ts'
import { tampered } from './log-edge.ts'
import { INCOMING } from './log-files.ts'
import type { Trail, TrailOptions } from './options.ts'
import { OwnRecords } from './own-records.ts'
import { poolFiles } from './pool-files.ts'
import { keepPrivate } from './private-folders.ts'
import { type Recovery, recover } from './recovery.ts'
import { SegmentSupply } from './segment-supply.ts'
import { removeUnprepared } from './segment.ts'
import { runSequencer } from './sequencer-loop.ts'
import { type HostListener, type SequencerHost, SequencerThread } from './sequencer-thread.ts'
import type { SequencerSource } from './sequencer.ts'
import { openSigningKey, type SigningKey } from './signing-key.ts'
import { readState } from './state.ts'
import { RunningTrail } from './trail.ts'
import { describeError } from './system-error.ts'
import { WriteAhead } from './write-ahead.ts'

const MAX_VKEY_FILE_BYTES = 65_536

/**
 * Opens the trail: recovers what a crash left, completes intents without outcome, records the start, and takes records from then on.
 *
 * @throws {GatewayError} `SP_TRAIL_TAMPERED` when the files are not what was last signed and no crash explains it; `SP_TRAIL_UNAVAILABLE` when another
 *   process has the trail, or the disk does not read or take what it must; `SP_VAULT_SEAL_BROKEN` when the keys do not open.
 */
export async function openTrail(options: TrailOptions): Promise<Trail> {
  const files = options.filePort ?? blockingFiles
  let lock: FolderLock | undefined
  try {
    for (const folder of [options.directory, options.walDirectory, options.keyDirectory])
      await makeFolders(files, folder)
    if (options.filePort === undefined) {
      for (const folder of [options.walDirectory, options.keyDirectory]) keepPrivate(folder)
      lock = new FolderLock(options.walDirectory)
    }
    return await openLocked(options, files, lock)
  } catch (cause) {
    lock?.[Symbol.dispose]()
    if (cause instanceof GatewayError) throw cause
    throw new GatewayError('SP_TRAIL_UNAVAILABLE', `the trail cannot be opened: ${describeError(cause)}`, { cause })
  }
}

async function openLocked(options: TrailOptions, files: FilePort, lock: FolderLock | undefined): Promise<Trail> {
  const { origin, directory, walDirectory, keyDirectory, sealer } = options
  const isNew = (await readState(files, walDirectory)) === undefined
  const signingKey = await openSigningKey(files, keyDirectory, sealer, { origin, isNew })
  const dayKeys = await DayKeys.open(files, keyDirectory, sealer)
  const source = {
    files,
    folder: directory,
    walFolder: walDirectory,
    origin,
    signer: signingKey.signer,
    dayKey: (id: string) => dayKeys.get(id),
  }
  const recovery = await recover(source)
  await placeVerifierKey(files, directory, signingKey.verifierKey)
  await removeUnprepared(files, walDirectory)
  return start({ options, source, signingKey, dayKeys, recovery, lock })
}

interface Opened {
  readonly options: TrailOptions
  readonly source: SequencerSource
  readonly signingKey: SigningKey
  readonly dayKeys: DayKeys
  readonly recovery: Recovery
  readonly lock: FolderLock | undefined
}

async function start(opened: Opened): Promise<Trail> {
  const { options, signingKey, dayKeys, recovery, lock } = opened
  const { origin, version, clock, log, scrubber } = options
  const { verifierKey } = signingKey
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const board = new Board()
  const maker = new ItemMaker(scrubber, productFacts(version))
  const own = new OwnRecords(maker, version, () => clock.nowMs())
  const trail = new RunningTrail({
    options,
    limits,
    board,
    dayKeys,
    maker,
    own,
    signer: signingKey.signer,
    verifierKey,
    published: recovery,
    lock,
  })
  let host: SequencerHost | undefined
  const supply = new SegmentSupply(
    {
      files: options.filePort ?? poolFiles,
      walFolder: options.walDirectory,
      origin,
      product: version,
      dayKeys,
      segmentBytes: limits.segmentBytes,
      clock,
      log,
      onDayKey: ({ id, bytes }) => host?.addDayKey(id, bytes),
    },
    recovery.nextSegment,
  )
  const segment = await supply.takeOrMake()
  board.integrated = recovery.size
  board.segment = segment.number
  board.position = { segment: segment.number, offset: segment.offset }
  const writeAhead = new WriteAhead(
    {
      supply,
      maker,
      clock,
      log,
      limits,
      onDurable: (position) => trail.durable(position),
      onAvailability: (outage) => trail.availability(outage),
      gap: (outage, number) => own.gap(outage, number),
    },
    { index: recovery.size, segment },
  )
  try {
    const started = own.start(recovery, { segment: segment.number, keyId: segment.keyId, verifierKey })
    await withDeadline(writeAhead.record([started]), limits.commitTimeoutMs)
    for (const completion of own.completions(recovery)) writeAhead.note(completion)
    host = startHost(opened, board, trail)
    trail.run(writeAhead, host)
    return trail
  } catch (error) {
    await writeAhead.close()
    throw error
  }
}

function startHost(
  { options, source, signingKey, dayKeys }: Opened,
  board: Board,
  listener: HostListener,
): SequencerHost {
  if (options.filePort !== undefined) return inThisThread(source, board, listener)
  const { folder, walFolder, origin } = source
  return new SequencerThread(
    { folder, walFolder, origin, seed: signingKey.seed, dayKeys: dayKeys.all() },
    board,
    listener,
  )
}

/** How many turns such a sequencer goes from one checkpoint to the next. */
const CHECKPOINT_TURNS = 8

/** A disk that is an object of this thread cannot go to another; it is as fast as memory, so there is nothing to wait for but the others' turn. */
function inThisThread(source: SequencerSource, board: Board, listener: HostListener): SequencerHost {
  let turns = 0
  const wait = (): Promise<void> => {
    turns += 1
    if (turns % CHECKPOINT_TURNS === 0) board.callForCheckpoint()
    return nextTurn()
  }
  const ended = runSequencer({ source, board, wait, report: (report) => listener.report(report) })
  return {
    addDayKey: () => undefined,
    dropDayKey: () => undefined,
    async stop(timeoutMs) {
      board.isStopping = true
      await Promise.race([ended, delay(timeoutMs, undefined, { ref: false })])
    },
  }
}

/** Writes the key that others verify with; one that is there must be the same. */
async function placeVerifierKey(files: FilePort, directory: string, verifierKey: string): Promise<void> {
  const path = join(directory, VKEY_PATH)
  const text = `${verifierKey}\n`
  const found = await readWhole(files, path, MAX_VKEY_FILE_BYTES)
  if (found?.toString('utf8') === text) return
  if (found !== undefined) throw tampered(`${VKEY_PATH} is not the key of this log`)
  await placeFile(files, join(directory, INCOMING), path, [Buffer.from(text)])
  await files.syncFolder(directory)
}

/** Creates a folder with those above it, durably. */
async function makeFolders(files: FilePort, folder: string): Promise<void> {
  const parent = dirname(folder)
  if (parent === folder || (await files.list(folder)).length > 0) return
  await makeFolders(files, parent)
  if (await files.makeFolder(folder)) await files.syncFolder(parent)
}
