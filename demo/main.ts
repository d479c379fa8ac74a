/**
 * The demo boundary: `npm start`. A real PostgreSQL, a development identity provider and the gateway on 127.0.0.1, each a process of its
 * own, all removed at the end. `--check` runs the tour unattended; `--keep` keeps the folder.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { type Boundary, startBoundary } from './boundary.ts'
import { endOfLog } from './child.ts'
import { login, PEOPLE } from './people.ts'
import { DEMO, REPOSITORY } from './plan.ts'
import { screen } from './screen.ts'
import type { Tour } from './showing.ts'
import { STEPS } from './tour.ts'

/** What a shell answers with for a program that Ctrl-C ended: 128 + SIGINT. */
const INTERRUPTED = 130

/** How long after a fault Ctrl-C may still explain it. */
const INTERRUPTION_MS = 250

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** When the person gave the command: handed over by the launcher, which may have had to install first. */
function commandAtMs(): number {
  return Number(process.env['SALLYPORT_COMMAND_AT_MS'] ?? performance.timeOrigin)
}

async function runTour(boundary: Boundary): Promise<number> {
  const tour: Tour = { boundary, seconds: () => (Date.now() - commandAtMs()) / 1000, statements: [], refs: [] }
  for (const step of STEPS) {
    try {
      const shown = await step.run(tour)
      say(`  ✓ ${step.title}\n      ${shown}`)
    } catch (error) {
      if (await isInterrupted()) return INTERRUPTED
      say(`  ✗ ${step.title}\n      ${error instanceof Error ? error.message : String(error)}`)
      return 1
    }
  }
  say(`  All ${STEPS.length} steps showed what they must.`)
  return 0
}

/** How the gateway says that it keeps MCP servers apart on this machine. */
function isolationOf({ gatewayLog }: Boundary): string {
  const words = /^MCP at .* servers kept apart by (.*)$/m.exec(readFileSync(gatewayLog, 'utf8'))?.[1]
  if (words === undefined)
    throw new Error(`the gateway does not say how it keeps MCP servers apart; its log: ${gatewayLog}`)
  return words
}

/** Resolves when somebody ends the demo. A launcher passes on what the terminal may have given to all of us already, so a second signal changes nothing. */
const interrupted = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      resolve()
    })
  }
})

/** Whether what went wrong is that somebody ended the demo: what it has started hears Ctrl-C too, perhaps before it does itself. */
async function isInterrupted(): Promise<boolean> {
  return await Promise.race([interrupted.then(() => true), delay(INTERRUPTION_MS, false)])
}

/** Waits until the gateway has ended: in good order, as after Ctrl-C, or by a fault, which is said. */
async function untilGatewayEnds(boundary: Boundary): Promise<number> {
  const [code] = (await once(boundary.gateway().process, 'exit')) as [number | null]
  if (code === 0) return 0
  say(`The gateway has ended; the end of its log:\n${endOfLog(boundary.gatewayLog)}`)
  return 1
}

async function show(boundary: Boundary, isCheck: boolean): Promise<number> {
  for (const line of boundary.shifted) say(`  ${line}`)
  say(`  PostgreSQL 18      ${DEMO.words} (port ${boundary.database.port}, for Sallyport's account only)`)
  say(
    `  Identity provider  alice (support), bob (payments lead), dana (auditor), ci-bot (workload): ${boundary.idpUrl}`,
  )
  say(`  Gateway            PostgreSQL on port ${boundary.postgresPort}, logins, API and MCP at ${boundary.url}`)
  const isolation = isolationOf(boundary)
  say(`  MCP server         ledger: ${isolation}`)
  if (isolation.startsWith('none'))
    say(`  ${' '.repeat(19)}accepted because it is the demo's own; bubblewrap would keep it apart`)
  if (isCheck) return await runTour(boundary)
  await Promise.all(PEOPLE.map((person) => login(boundary, person)))
  say(await screen(boundary))
  return await untilGatewayEnds(boundary)
}

/** @returns the exit code */
async function main(args: readonly string[]): Promise<number> {
  const unknown = args.find((arg) => arg !== '--check' && arg !== '--keep')
  if (unknown !== undefined) {
    say(`unknown option ${unknown}; known: --check, --keep`)
    return 2
  }
  say('Sallyport demo: data is fake, everything listens on 127.0.0.1')
  const isCheck = args.includes('--check')
  const whenInterrupted = interrupted.then(() => (isCheck ? INTERRUPTED : 0))
  // What is pasted finds its login in the checkout; the tour has its own, and may run beside.
  const starting = startBoundary(isCheck ? DEMO : { ...DEMO, home: REPOSITORY })
  const boundary = await starting.catch(async (error: unknown) => {
    if (await isInterrupted()) return await whenInterrupted
    say(error instanceof Error ? error.message : String(error))
    return 1
  })
  if (typeof boundary === 'number') return boundary
  try {
    return await Promise.race([show(boundary, isCheck), whenInterrupted])
  } finally {
    await boundary.stop(args.includes('--keep'))
  }
}

// Whoever reads along (`npm start | tee log`) may have heard Ctrl-C first; what is left to do is done.
process.stdout.on('error', () => undefined)
const exitCode = await main(process.argv.slice(2))
// Steps of the tour that are still under way keep nobody waiting.
process.exit(exitCode)
