/**
 * Kills the gateway with SIGKILL under writing clients, again and again, and compares the database's own log with the trail: nothing may
 * have reached the database without a durable intent, and no intent may be without an outcome after recovery.
 *
 * `SALLYPORT_KILLS` sets how often (20 unless given; 200 is what a release asks for).
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import { loadConfig, openFoundation, verifyTrailFolder } from '#app'
import { type Boundary, startBoundary } from '../demo/boundary.ts'
import { connect, jobToken } from '../demo/people.ts'
import { SERVICE_USER } from '../demo/data.ts'
import { fact, openedTrail } from './opened-trail.ts'
import { jobPolicy, testPlan } from './plan.ts'

const KILLS = Number(process.env['SALLYPORT_KILLS'] ?? 20)
const WRITERS = 16
/** Each statement stays in the database this long, so that every writer has one in flight when the gateway dies. */
const STATEMENT_SECONDS = 0.02
/** The gateway lives between these once all writers write. */
const LIFE_MS = [60, 400] as const

const plan = testPlan({
  sql: ['create table marks (mark text)', `alter table marks owner to ${SERVICE_USER}`],
  tables: ['public.marks'],
  policy: jobPolicy({ 'public.marks': ['insert', 'select'] }),
})

test(
  `${KILLS} kills under ${WRITERS} writers: nothing in the database without a durable intent`,
  { timeout: 1_800_000 },
  async (t) => {
    const boundary = await startBoundary(plan)
    t.after(() => boundary.stop(false))
    let inFlight = 0
    for (let kill = 0; kill < KILLS; kill++) {
      inFlight += await liveAndDie(boundary, kill)
      await boundary.startGateway()
    }
    await boundary.gateway().stop()
    const found = await readTrail(boundary)
    const reached = literalsOf(readFileSync(boundary.database.logFile, 'utf8'))
    const withoutIntent = [...reached].filter((literal) => !found.literals.has(literal))
    const withoutOutcome = [...found.intents].filter((intent) => found.outcomes.get(intent) !== 1)
    const { exitCode, lines } = await verifyTrailFolder(boundary.trailFolder)
    t.diagnostic(
      `${KILLS} kills; ${reached.size} statements reached the database (${inFlight} in flight at a kill); without intent: ${withoutIntent.length}; ` +
        `${found.intents.size} intents, without exactly one outcome: ${withoutOutcome.length}; unknown: ${found.unknown}; ${lines.at(-1) ?? ''}`,
    )
    assert.ok(reached.size >= KILLS * WRITERS, 'the writers hardly wrote')
    assert.ok(inFlight >= KILLS * WRITERS * 0.9, 'the writers were hardly ever in flight')
    assert.deepEqual(withoutIntent, [])
    assert.deepEqual(withoutOutcome, [])
    assert.equal(exitCode, 0, lines.join('\n'))
  },
)

/** Writes with all writers until the gateway is killed; answers how many had a statement in flight at that moment. */
async function liveAndDie(boundary: Boundary, kill: number): Promise<number> {
  const token = await jobToken(boundary)
  const clients = await Promise.all(Array.from({ length: WRITERS }, () => connect(boundary, 'ci-bot', token)))
  const waiting = new Set<number>()
  const started = clients.map(() => Promise.withResolvers<void>())
  const writers = clients.map(async (client, writer) => {
    const once = (): void => started[writer]?.resolve()
    await writeUntilGone(client, `mark-${kill}-${writer}`, {
      begin: () => waiting.add(writer),
      end: () => {
        waiting.delete(writer)
        once()
      },
    })
  })
  await Promise.all(started.map(({ promise }) => promise))
  const [least, most] = LIFE_MS
  await delay(least + ((kill * 61) % (most - least)))
  const inFlight = waiting.size
  await boundary.killGateway()
  await Promise.all(writers)
  return inFlight
}

interface Turns {
  begin(): void
  end(): void
}

/** By turns simple queries and parameters; every statement has a literal of its own. */
async function writeUntilGone(client: pg.Client, name: string, turns: Turns): Promise<void> {
  const sleep = `pg_sleep(${STATEMENT_SECONDS}) is not null`
  for (let turn = 0; ; turn++) {
    const mark = `${name}-${turn}.`
    turns.begin()
    try {
      if (turn % 2 === 0) await client.query(`insert into marks select '${mark}' where ${sleep}`)
      else await client.query(`insert into marks select $1::text where ${sleep}`, [mark])
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === '42501') throw error
      return
    }
    turns.end()
  }
}

function literalsOf(text: string): Set<string> {
  return new Set(text.match(/mark-\d+-\d+-\d+\./g))
}

interface Found {
  readonly literals: Set<string>
  readonly intents: Set<number>
  readonly outcomes: Map<number, number>
  readonly unknown: number
}

/** Opens the whole trail, recovering it once more on the way. */
async function readTrail(boundary: Boundary): Promise<Found> {
  await using foundation = await openFoundation(loadConfig(boundary.config), { environment: {}, logLevel: 'error' })
  const literals = new Set<string>()
  const intents = new Set<number>()
  const outcomes = new Map<number, number>()
  let unknown = 0
  for (const { sequence, leaf, payload } of openedTrail(boundary.trailFolder, foundation.trail.payloadKeys)) {
    const phase = fact(leaf, 'unmapped', 'phase')
    if (phase === 'intent') intents.add(sequence)
    if (phase === 'outcome') {
      const intent = Number(fact(leaf, 'unmapped', 'intent'))
      outcomes.set(intent, (outcomes.get(intent) ?? 0) + 1)
      if (fact(leaf, 'unmapped', 'status') === 'unknown') unknown++
    }
    for (const literal of literalsOf(payload ?? '')) literals.add(literal)
  }
  return { literals, intents, outcomes, unknown }
}
