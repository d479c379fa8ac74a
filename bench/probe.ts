/**
 * Preloaded into the gateway for the profiled round (`--import`), in its workers too: between one SIGUSR2 and the next it takes a CPU
 * profile of each thread and notes how much the thread allocated on its heap. It writes into the folder `BENCH_PROBE_FOLDER`.
 */
import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { join } from 'node:path'
import { getHeapStatistics } from 'node:v8'
import { BroadcastChannel, isMainThread, threadId, threadName } from 'node:worker_threads'
import type { ThreadReport } from './profile.ts'

const SAMPLING_INTERVAL_US = 500

const session = new Session()
session.connect()
await session.post('Profiler.enable')
await session.post('Profiler.setSamplingInterval', { interval: SAMPLING_INTERVAL_US })

let isOn = false
let startedMs = 0
let allocatedBefore = 0

async function toggle(folder: string): Promise<void> {
  isOn = !isOn
  if (isOn) {
    await session.post('Profiler.start')
    startedMs = Date.now()
    allocatedBefore = allocated()
    writeFileSync(join(folder, `${threadId}.started`), '')
    return
  }
  const report = { startedMs, stoppedMs: Date.now(), allocatedBytes: allocated() - allocatedBefore }
  const { profile } = await session.post('Profiler.stop')
  const name = isMainThread ? 'main' : (threadName ?? 'worker')
  const whole: ThreadReport = { ...report, name, profile }
  // Its name is how a reader knows that it is whole.
  writeFileSync(join(folder, `${threadId}.report`), JSON.stringify(whole))
  writeFileSync(join(folder, `${threadId}.done`), '')
}

function allocated(): number {
  return getHeapStatistics().total_allocated_bytes
}

// The main thread tells the others the folder: a worker may have an environment of its own.
const threads = new BroadcastChannel('bench-probe')
threads.onmessage = ({ data }) => void toggle(String(data))
threads.unref()
if (isMainThread) {
  const folder = process.env['BENCH_PROBE_FOLDER'] ?? '.'
  process.on('SIGUSR2', () => {
    threads.postMessage(folder)
    void toggle(folder)
  })
}
