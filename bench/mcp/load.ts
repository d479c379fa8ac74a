import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Load, Requests } from '../arm.ts'
import type { Tool } from './call.ts'
import type { Endpoint, Order } from './order.ts'

/** More than this behind its time, and the generator hangs; it includes starting a process for each client. */
const GRACE_MS = 300_000

/** Runs the load generator and reads its times. @throws {Error} with what it said, when a request failed. */
export async function runGenerator(parent: string, to: Endpoint, load: Load<Tool>): Promise<Requests> {
  const folder = mkdtempSync(join(parent, 'load-'))
  const file = join(folder, 'times')
  const { request: tool, clients, seconds, rate } = load
  try {
    await generate({ to, tool, clients, seconds, rate, file }, load.onWarm)
    const bytes = readFileSync(file)
    const times = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / Float64Array.BYTES_PER_ELEMENT)
    const count = times.length / 2
    return { endMs: times.subarray(0, count), latencyUs: times.subarray(count) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function generate(order: Order, onWarm?: () => void): Promise<void> {
  const child = spawn(process.execPath, [...process.execArgv, join(import.meta.dirname, 'generator.ts')], {
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: order.seconds * 1000 + GRACE_MS,
  })
  child.stdin.end(JSON.stringify(order))
  child.stdout.once('data', () => onWarm?.())
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4000)
  })
  const status = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
  if (status !== 0) throw new Error(`the load generator failed (${String(status)}): ${said.trim()}`)
}
