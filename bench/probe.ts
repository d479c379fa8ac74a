/**
 * Preloaded into the gateway for the profiled round (`--import`), in its workers too: from one SIGUSR2 to the next it takes a CPU profile of
 * each thread and notes how much the thread has allocated on its heap. It writes into the folder `BENCH_PROBE_FOLDER`.
 */
import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { join } from 'node:path'
import { getHeapStatistics } from 'node:v8'
import { BroadcastChannel, isMainThread, threadId, threadName } from 'node:worker_threads'
import { nowUs } from './clock.ts'
import type { HeapMark, ThreadReport } from './profile.ts'

const SAMPLING_INTERVAL_US = 500
const MARK_EVERY_MS = 100

const session = new Session()
session.connect()
await session.post('Profiler.enable')
await session.post('Profiler.setSamplingInterval', { interval: SAMPLING_INTERVAL_US })

const marks: HeapMark[] = []
let marking: NodeJS.Timeout | undefined

async function start(folder: string): Promise<void> {
  await session.post('Profiler.start')
  marking = setInterval(() => {
    marks.push({ atUs: nowUs(), allocatedBytes: getHeapStatistics().total_allocated_bytes })
  }, MARK_EVERY_MS)
  marking.unref()
  writeFileSync(join(folder, `${threadId}.started`), '')
}

async function stop(folder: string): Promise<void> {
  clearInterval(marking)
  const { profile } = await session.post('Profiler.stop')
  const report: ThreadReport = { name: isMainThread ? 'main' : (threadName ?? 'worker'), marks, profile }
  writeFileSync(join(folder, `${threadId}.report`), JSON.stringify(report))
  // Now it is whole.
  writeFileSync(join(folder, `${threadId}.done`), '')
}

function toggle(folder: string): void {
  if (marking === undefined) void start(folder)
  else void stop(folder)
}

// The main thread tells the others the folder: a worker may have an environment of its own.
const threads = new BroadcastChannel('bench-probe')
threads.onmessage = ({ data }) => {
  toggle(String(data))
}
threads.unref()
if (isMainThread) {
  const folder = process.env['BENCH_PROBE_FOLDER'] ?? '.'
  process.on('SIGUSR2', () => {
    threads.postMessage(folder)
    toggle(folder)
  })
}
