/**
 * A process that writes a trail as fast as it can until it is killed: `writing-process.ts <folder> <run>`. What it was promised it notes in a file, whose
 * content the system keeps when the process is gone: one line `<record> <payload>` per receipt.
 */
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { argv } from 'node:process'
import { openTrail } from '../index.ts'
import { keepLog, makeSealer, ORIGIN, processClock, scrubber, select, session, VERSION } from './samples.ts'

const WRITERS = 16

/** How the trail of this test is opened, by writer and checker alike. */
export function killedTrailOptions(folder: string): Parameters<typeof openTrail>[0] {
  return {
    directory: join(folder, 'trail'),
    walDirectory: join(folder, 'wal'),
    keyDirectory: join(folder, 'keys'),
    origin: ORIGIN,
    version: VERSION,
    clock: processClock,
    sealer: makeSealer(Buffer.alloc(32, 9)),
    scrubber,
    log: keepLog(),
    checkpointMs: 40,
    limits: { segmentBytes: 1_048_576 },
  }
}

/** The file in which a run notes what it was promised. */
export function notesFile(folder: string, run: number): string {
  return join(folder, `promises-${run}`)
}

async function writeUntilKilled(folder: string, run: number): Promise<void> {
  const notes = notesFile(folder, run)
  const trail = await openTrail(killedTrailOptions(folder))
  let next = 0
  const writer = async (): Promise<void> => {
    for (;;) {
      next += 1
      const payload = `{"statement":"select 'run ${run} literal ${next}'"}`
      const entry = {
        kind: 'intent',
        timeMs: Date.now(),
        session,
        decided: select,
        payload: Buffer.from(payload),
      } as const
      const [receipt] = await trail.record([entry])
      if (receipt === undefined) throw new Error('no receipt')
      appendFileSync(notes, `${receipt.sequence} ${payload}\n`)
      const outcome = { status: 'success', rows: 1, bytes: 20, durationMs: 1 } as const
      if (next % 7 !== 0) trail.conclude({ kind: 'outcome', timeMs: Date.now(), intent: receipt.sequence, outcome })
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, writer))
}

if (argv[1] === import.meta.filename) await writeUntilKilled(argv[2] ?? '', Number(argv[3]))
