/**
 * The worker in which SQL is parsed: the one place where PostgreSQL's parser meets hostile text. It holds no secret, no socket and no state
 * that outlives a text, and is thrown away at the first sign that the parser inside it broke.
 */
import { constants, setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { loadModule } from 'libpg-query'
import type { Meaning } from './analysis/statement.ts'
import { type Parsed, parseText } from './parse.ts'

/** One text to parse. */
export interface Job extends Meaning {
  readonly text: string
}

/** What comes back for a batch: an answer for each job, in order; fewer when the parser broke at the next one. */
export interface BatchReply {
  readonly answers: readonly Parsed[]
}

/** What a worker is started with. */
export interface WorkerSetup {
  /** One Int32: the index of the job in work, so that it is known whom to blame when the worker dies or hangs. */
  readonly progress: SharedArrayBuffer
  /** Whether it must leave the processor to others: the worker of the heavy lane. */
  readonly isBackground: boolean
}

const port = parentPort
if (port === null) throw new Error('this file runs as a worker')

const { progress, isBackground } = workerData as WorkerSetup
// SPEC setpriority(2), "C library/kernel differences": on Linux "the nice value is a per-thread attribute", and 0 is the calling thread.
// Elsewhere it would be the whole process.
if (isBackground && process.platform === 'linux') setPriority(0, constants.priority.PRIORITY_BELOW_NORMAL)
await loadModule()
const working = new Int32Array(progress)
// What comes to the other lane breaks its worker soon, or takes long anyway: warming up would cost five times what starting does.
if (!isBackground) warmUp()

port.on('message', (batch: readonly Job[]) => {
  const answers: Parsed[] = []
  try {
    for (const [index, job] of batch.entries()) {
      Atomics.store(working, 0, index)
      answers.push(parseText(job.text, job))
    }
  } catch {
    // What was thrown may quote the text, and nothing about it can be trusted: that an answer is missing says it all.
  }
  const reply: BatchReply = { answers }
  port.postMessage(reply)
})

port.postMessage('ready')

/** Lets the first real statement not pay for compiling the parser. */
function warmUp(): void {
  const samples = [
    'select a, count(*) from t join u using (b) where c = $1 and d in (1, 2) group by a order by 2 desc limit 10',
    "insert into t (a, b) values ($1, 'x') on conflict (a) do update set b = excluded.b returning *",
    'update t set a = a + 1 where b between 1 and 2; delete from t where c is null; begin; commit',
  ]
  for (let round = 0; round < 20; round++) {
    for (const text of samples) parseText(text, { database: 'd', searchPath: 's' })
  }
}
