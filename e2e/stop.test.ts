/** A gateway ends in good order, soon, in each of the ways that it can be told to: sessions are said goodbye to, and the trail says so. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import { loadConfig, openFoundation, verifyTrailFolder } from '#app'
import { type Boundary, startBoundary } from '../demo/boundary.ts'
import { connect, jobToken } from '../demo/people.ts'
import { fact, openedTrail } from './opened-trail.ts'
import { testPlan } from './plan.ts'

/** Running statements get a second for their last words. */
const WITHIN_MS = 5_000

const ways = ['SIGTERM', 'SIGINT', 'the end of its standard input'] as const

let boundary: Boundary

before(async () => {
  boundary = await startBoundary(testPlan({ sql: [], tables: [] }))
})
after(() => boundary.stop(false))

for (const way of ways) {
  test(`it ends by ${way}`, async (t) => {
    const busy = await connect(boundary, 'ci-bot', await jobToken(boundary))
    const farewell = errorOf(busy.query('select pg_sleep(60)'))
    const idle = await connect(boundary, 'ci-bot', await jobToken(boundary))
    await idle.query('select 1')
    const gateway = boundary.gateway().process
    const began = performance.now()
    const exited = once(gateway, 'exit', { signal: AbortSignal.timeout(WITHIN_MS) })
    if (way === 'SIGTERM' || way === 'SIGINT') gateway.kill(way)
    else gateway.stdin?.end()
    assert.deepEqual(await exited, [0, null])
    t.diagnostic(`${(performance.now() - began).toFixed(0)} ms, with a statement running`)
    assert.match(await farewell, /^57P01 /)
    await boundary.startGateway()
  })
}

test('each end is on record, and so is each start', async () => {
  await boundary.gateway().stop()
  await using foundation = await openFoundation(loadConfig(boundary.config), { environment: {}, logLevel: 'error' })
  const told = [...openedTrail(boundary.trailFolder, foundation.trail.payloadKeys)].map(({ leaf }) =>
    fact(leaf, 'unmapped', 'lifecycle'),
  )
  const lives = told.filter((lifecycle) => lifecycle === 'start' || lifecycle === 'stop')
  assert.deepEqual(
    lives.slice(0, 2 * ways.length + 2),
    [...ways, 'at last'].flatMap(() => ['start', 'stop']),
  )
  const { exitCode, lines } = await verifyTrailFolder(boundary.trailFolder)
  assert.equal(exitCode, 0, lines.join('\n'))
})

async function errorOf(asked: Promise<pg.QueryResult>): Promise<string> {
  return await asked.then(
    () => 'no error',
    (error: unknown) =>
      error instanceof Error && 'code' in error ? `${String(error.code)} ${error.message}` : String(error),
  )
}
