/**
 * The demo boundary: `npm start`. A real PostgreSQL, a development identity provider and the gateway on 127.0.0.1, each a process of its
 * own, all removed at the end. `--check` runs the tour unattended; `--keep` keeps the folder.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Boundary, startBoundary } from './boundary.ts'
import { login, PEOPLE } from './people.ts'
import { DEMO } from './plan.ts'
import { screen } from './screen.ts'
import type { Tour } from './showing.ts'
import { STEPS } from './tour.ts'

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

async function untilStopped(boundary: Boundary): Promise<void> {
  const stop = Promise.withResolvers<void>()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      stop.resolve()
    })
  }
  boundary.gateway().process.once('exit', () => {
    say(`The gateway has ended; its log: ${join(boundary.folder, 'gateway.log')}`)
    stop.resolve()
  })
  await stop.promise
}

async function main(args: readonly string[]): Promise<number> {
  const unknown = args.find((arg) => arg !== '--check' && arg !== '--keep')
  if (unknown !== undefined) {
    say(`unknown option ${unknown}; known: --check, --keep`)
    return 2
  }
  say('Sallyport demo: data is fake, everything listens on 127.0.0.1')
  const boundary = await startBoundary(DEMO)
  try {
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
    if (args.includes('--check')) return await runTour(boundary)
    await Promise.all(PEOPLE.map((person) => login(boundary, person)))
    say(await screen(boundary))
    await untilStopped(boundary)
    return 0
  } finally {
    await boundary.stop(args.includes('--keep'))
  }
}

process.exitCode = await main(process.argv.slice(2))
