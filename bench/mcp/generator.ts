/**
 * The load generator, a process of its own: each client sends a call, waits for the answer, checks it byte for byte, and sends the next; with a
 * rate each has its times, at random as pgbench has them.
 *
 *     node bench/mcp/generator.ts < ORDER      prints `warm` after a second; what a client was told instead goes to standard error
 */
import { writeFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { callOf } from './call.ts'
import { type Connection, openConnection } from './connection.ts'
import type { Order } from './order.ts'

const WARM_MS = 1000

const order = JSON.parse(await text(process.stdin)) as Order
const { clients, seconds, tool } = order
const endMs: number[] = []
const latencyUs: number[] = []

const connections: Connection[] = []
// One after the other: each may start a process.
for (let client = 0; client < clients; client++) connections.push(await openConnection(order.to, client))
// Nobody is measured before everybody has been answered.
await Promise.all(connections.map((connection, client) => call(connection, client, 0)))

const begin = performance.now()
const until = begin + seconds * 1000
setTimeout(() => {
  process.stdout.write('warm\n')
}, WARM_MS).unref()
await Promise.all(connections.map((connection, client) => work(connection, client)))
for (const { close } of connections) close()
writeFileSync(order.file, new Float64Array([...endMs, ...latencyUs]))
process.exit(0)

async function work(connection: Connection, client: number): Promise<void> {
  let due = begin
  for (let number = 1; performance.now() < until; number++) {
    if (order.rate !== undefined) {
      due += (-Math.log(1 - Math.random()) * 1000 * clients) / order.rate
      if (due >= until) return
    }
    const from = await turn(due)
    await call(connection, client, number)
    const now = performance.now()
    endMs.push(performance.timeOrigin + now)
    latencyUs.push((now - from) * 1000)
  }
}

/** Makes a call and checks its answer. */
async function call(connection: Connection, client: number, number: number): Promise<void> {
  const { request, answer } = callOf(tool, client * 1_000_000 + number)
  const said = await connection.exchange(request)
  if (said !== answer) throw new Error(`not the answer to ${request}: ${said}`)
}

/** Waits until a call is due; answers from when on it waited: from then, when the one before took too long, else from now, since timers are coarse. */
async function turn(due: number): Promise<number> {
  const early = due - performance.now()
  if (order.rate === undefined) return performance.now()
  if (early <= 0) return due
  await delay(early)
  return performance.now()
}
