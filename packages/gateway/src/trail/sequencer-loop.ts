import { GatewayError } from '#model'
import type { Board } from './board.ts'
import { type PublishedCheckpoint, Sequencer, type SequencerSource } from './sequencer.ts'
import { describeError } from './system-error.ts'

/** How often the durable position is looked at: a word of memory. */
const POLL_MS = 10
/** How long after an error the log is opened again. */
const RETRY_MS = 1_000

/** What the loop says of itself. */
export type SequencerReport =
  | { readonly kind: 'ready' }
  | ({ readonly kind: 'checkpoint' } & PublishedCheckpoint)
  /** It failed and will open the log again. */
  | { readonly kind: 'trouble'; readonly error: string }
  /** It will not try again: the files are not what we left. */
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'stopped' }

/** What the loop runs on; the same in a thread of its own and, in tests, in this one. */
export interface LoopPorts {
  readonly source: SequencerSource
  readonly board: Board
  readonly wait: (delayMs: number) => Promise<void>
  readonly report: (report: SequencerReport) => void
}

/** Keeps the log up with the write-ahead files until it is told to stop. Never rejects. */
export async function runSequencer(ports: LoopPorts): Promise<void> {
  for (;;) {
    try {
      await follow(ports)
      ports.report({ kind: 'stopped' })
      return
    } catch (error) {
      if (error instanceof GatewayError) {
        ports.report({ kind: 'refused', message: error.message })
        return
      }
      ports.report({ kind: 'trouble', error: describeError(error) })
      if (ports.board.isStopping) return
      await ports.wait(RETRY_MS)
    }
  }
}

async function follow({ source, board, wait, report }: LoopPorts): Promise<void> {
  const sequencer = await Sequencer.open(source)
  let answered = -1
  const keepUp = async (isLast: boolean): Promise<void> => {
    board.integrated = sequencer.size
    const calls = board.checkpointCalls
    if (!isLast && calls === answered) return
    answered = calls
    const published = await sequencer.checkpoint()
    if (published === undefined) return
    board.segment = sequencer.segment
    report({ kind: 'checkpoint', ...published })
  }
  try {
    board.integrated = sequencer.size
    board.segment = sequencer.segment
    report({ kind: 'ready' })
    for (;;) {
      // Read in this order: what was durable when the stop came is taken in.
      const isLast = board.isStopping
      await sequencer.integrate(board.position, () => keepUp(false))
      await keepUp(isLast)
      if (isLast) return
      await wait(POLL_MS)
    }
  } finally {
    await sequencer.close()
  }
}
