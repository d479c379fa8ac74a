import type { Cut } from './lifecycle-facts.ts'
import type { Position } from './log-reader.ts'
import type { OpenIntent } from './open-intents.ts'
import { damaged, SegmentReader } from './segment-reader.ts'
import { type PublishedCheckpoint, Sequencer, type SequencerSource } from './sequencer.ts'
import { parseSegmentName } from './wal-folder.ts'

/** What recovery found and left. */
export interface Recovery {
  /** Records in the log now: the next one gets this number. */
  readonly size: number
  /** The number of the next segment. */
  readonly nextSegment: number
  /** The last checkpoint before recovery; its text is empty on the first start. */
  readonly previous: PublishedCheckpoint
  /** Intents that need an outcome. */
  readonly open: readonly OpenIntent[]
  /** Tails to be declared by the start record. */
  readonly cuts: readonly Cut[]
}

/** The end of what can be read, and the frames that were begun behind it. */
interface End {
  readonly position: Position | undefined
  readonly torn: readonly { readonly segment: number; readonly offset: number }[]
}

/**
 * Brings the log up to the end of the write-ahead files, signs it, and only then takes the segments out of use. Killed at any point, it can be repeated.
 *
 * @throws {GatewayError} `SP_TRAIL_TAMPERED` when the files are not what a crash can leave.
 */
export async function recover(source: SequencerSource): Promise<Recovery> {
  const sequencer = await Sequencer.open(source)
  try {
    const previous = sequencer.published
    const names = await source.files.list(source.walFolder)
    const segments = names.map(parseSegmentName).filter((segment) => segment !== undefined)
    const wanted = segments.filter((segment) => segment >= sequencer.segment).sort((a, b) => a - b)
    const end = await findEnd(source, wanted)
    if (end.position !== undefined) await sequencer.integrate(end.position)
    for (const { segment, offset } of end.torn) sequencer.noteCut({ segment, offset, firstIndex: sequencer.size })
    const nextSegment = Math.max(sequencer.segment, (wanted.at(-1) ?? 0) + 1)
    await sequencer.finish(nextSegment)
    const { size, openIntents, cuts } = sequencer
    return { size, nextSegment, previous, open: openIntents, cuts }
  } finally {
    await sequencer.close()
  }
}

/**
 * Finds the last frame that opens. One commit is in flight at most, so a crash can tear only the last frame: one that opens behind a torn frame is
 * damage, and a refusal.
 */
async function findEnd(source: SequencerSource, segments: readonly number[]): Promise<End> {
  const torn: { segment: number; offset: number }[] = []
  for (const segment of segments.toReversed()) {
    const reader = await SegmentReader.open(source, segment)
    if (reader === undefined) continue
    try {
      while ((await reader.next()) !== undefined);
      if (await reader.hasFrameBehind())
        throw damaged(segment, `frame ${reader.frame} does not open, but one behind it does`)
      if (await reader.isTorn()) torn.unshift({ segment, offset: reader.offset })
      if (reader.frame > 0) return { position: { segment, offset: reader.offset }, torn }
    } finally {
      await reader.close()
    }
  }
  return { position: undefined, torn }
}
