import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type pg from 'pg'
import { entriesPath, TILE_WIDTH } from '@sallyport/verifier'
import { verifyTrailFolder } from '#app'
import type { PayloadView, RecordExplanation, RecordList } from '#api'
import { AGENT_STEPS } from './agent-tour.ts'
import type { Boundary } from './boundary.ts'
import { sallyport } from './command.ts'
import { CUSTOMERS } from './data.ts'
import { EVIDENCE_STEPS } from './evidence-tour.ts'
import { api, connect, jobToken, login, tokenOf } from './people.ts'
import { ask, must, must0, readLog, refusalOf, type Step, type Tour, untilShown, verified } from './showing.ts'

/** The tour in order; each later capability adds its step. */
export const STEPS: readonly Step[] = [
  { title: 'alice signs in and reads customers; card numbers come back truncated', run: aliceReads },
  { title: 'her DROP is refused with its reason, and the session goes on', run: dropIsRefused },
  { title: "ci-bot's own token works for its one table and nothing else", run: workloadStaysInside },
  ...AGENT_STEPS,
  { title: 'every statement is found by log, explained by why, and verified', run: everythingIsFound },
  { title: 'the gateway is killed with -9 under load and loses nothing', run: killedUnderLoad },
  ...EVIDENCE_STEPS,
  { title: 'a copy of the trail is tampered with, and the place is named', run: tamperingIsNamed },
]

async function aliceReads(tour: Tour): Promise<string> {
  await login(tour.boundary, 'alice')
  const client = await connect(tour.boundary, 'alice', await tokenOf(tour.boundary, 'alice'))
  try {
    const { rows } = await ask(tour, client, 'select id, name, pan, note from customers order by id')
    const seconds = tour.seconds()
    must(rows.length === CUSTOMERS, `${rows.length} customers came back`)
    const whole = rows.filter((row) => /\d(?:[ -]?\d){11,}/.test(JSON.stringify(row)))
    must(whole.length === 0, `${whole.length} rows hold a whole card number`)
    must(
      rows.every((row) => /^\*{10,15}\d{4}$/.test(String(row['pan']))),
      'a card number is not truncated to its last four',
    )
    return `${rows.length} rows, first recorded query after ${seconds.toFixed(1)} s`
  } finally {
    await client.end()
  }
}

async function dropIsRefused(tour: Tour): Promise<string> {
  const client = await connect(tour.boundary, 'alice', await tokenOf(tour.boundary, 'alice'))
  try {
    const refusal = await refusalOf(tour, client, 'drop table customers')
    must(refusal.code === '42501', `the SQLSTATE was ${refusal.code}`)
    const after = await ask(tour, client, 'select count(*) as n from customers')
    must(Number(after.rows[0]?.['n']) === CUSTOMERS, 'the session did not go on')
    return refusal.message
  } finally {
    await client.end()
  }
}

async function workloadStaysInside(tour: Tour): Promise<string> {
  const client = await connect(tour.boundary, 'ci-bot', await jobToken(tour.boundary))
  try {
    await ask(tour, client, "insert into job_runs (job, note) values ('nightly', 'tour')")
    const refusal = await refusalOf(tour, client, 'select name from customers')
    return refusal.message
  } finally {
    await client.end()
  }
}

async function everythingIsFound(tour: Tour): Promise<string> {
  await login(tour.boundary, 'dana')
  await untilShown(tour.boundary)
  const records = await readLog(tour.boundary, '--limit', '1000')
  for (const ref of tour.refs)
    must(
      records.some((record) => record.ref === ref),
      `the reference ${ref} is not in the log`,
    )
  must(records.length >= tour.statements.length, `${records.length} records for ${tour.statements.length} statements`)
  const payloads: string[] = []
  const statements = records.filter(({ leaf }) => (leaf['unmapped'] as { phase?: string }).phase === 'intent')
  for (const { ref } of statements) {
    const { stdout } = await must0(sallyport(tour.boundary, 'why', ref, '--payload', '--profile', 'dana', '--json'))
    const answer = JSON.parse(stdout) as RecordExplanation & { payload: string }
    must(answer.explanation.length > 0, `why ${ref} explains nothing`)
    payloads.push(answer.payload)
  }
  for (const statement of tour.statements)
    must(
      payloads.some((payload) => payload.includes(JSON.stringify(statement).slice(1, -1))),
      'a statement is not in its payload',
    )
  return `${records.length} records; ${await verified(tour.boundary)}`
}

/** How long the load runs before the gateway is killed; longer on a machine that does much else. */
const LOAD_MS = 400
const LOAD_TIMEOUT_MS = 20_000

async function killedUnderLoad(tour: Tour): Promise<string> {
  const token = await tokenOf(tour.boundary, 'bob').catch(async () => {
    await login(tour.boundary, 'bob')
    return await tokenOf(tour.boundary, 'bob')
  })
  const clients = await Promise.all(Array.from({ length: 8 }, () => connect(tour.boundary, 'bob', token)))
  const answered: string[] = []
  const load = clients.map((client, writer) => writeUntilGone(client, writer, answered))
  const deadline = performance.now() + LOAD_TIMEOUT_MS
  do await new Promise((resolve) => setTimeout(resolve, LOAD_MS))
  while (answered.length === 0 && performance.now() < deadline)
  await tour.boundary.killGateway()
  await Promise.all(load)
  await tour.boundary.startGateway()
  must(answered.length > 0, 'the load did nothing')
  await login(tour.boundary, 'dana')
  await untilShown(tour.boundary)
  const markers = await recordedMarkers(tour.boundary)
  const lost = answered.filter((marker) => !markers.has(marker))
  must(lost.length === 0, `${lost.length} of ${answered.length} answered statements have no record`)
  return `${answered.length} answered statements, all on record; ${await verified(tour.boundary)}`
}

/** Writes statements one after the other, each with a literal of its own, until the gateway is gone. */
async function writeUntilGone(client: pg.Client, writer: number, answered: string[]): Promise<void> {
  for (let turn = 0; ; turn++) {
    const marker = `tour-${writer}-${turn}`
    try {
      await client.query('update orders set amount = amount where id = $1 and $2::text is not null', [
        writer + 1,
        marker,
      ])
      answered.push(marker)
    } catch {
      return
    }
  }
}

/** How many payloads are asked for at once. */
const PARALLEL = 16

/** The literals of all recorded updates, read payload by payload through the auditor's API. */
async function recordedMarkers(boundary: Boundary): Promise<ReadonlySet<string>> {
  const refs: string[] = []
  let before: number | undefined
  for (;;) {
    const page = await api<RecordList>(
      boundary,
      'dana',
      `/records?verb=UPDATE&phase=intent&limit=1000${before === undefined ? '' : `&before=${before}`}`,
    )
    refs.push(...page.records.map((record) => record.ref))
    before = page.records.at(-1)?.sequence
    if (page.records.length < 1000) break
  }
  const markers = new Set<string>()
  const read = async (): Promise<void> => {
    for (let ref = refs.pop(); ref !== undefined; ref = refs.pop()) {
      const { payload } = await api<PayloadView>(boundary, 'dana', `/records/${ref}/payload`)
      const marker = /"(tour-\d+-\d+)"/.exec(payload)?.[1]
      if (marker !== undefined) markers.add(marker)
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, read))
  return markers
}

async function tamperingIsNamed(tour: Tour): Promise<string> {
  const copy = join(tour.boundary.folder, 'tampered')
  // The checkpoint first: copied last it could cover more than what was copied before it.
  const checkpoint = readFileSync(join(tour.boundary.trailFolder, 'checkpoint'))
  cpSync(tour.boundary.trailFolder, copy, { recursive: true })
  writeFileSync(join(copy, 'checkpoint'), checkpoint)
  const size = Number(checkpoint.toString().split('\n')[1])
  const path = join(copy, entriesPath(0, Math.min(size, TILE_WIDTH)))
  const bytes = readFileSync(path)
  const place = bytes.indexOf('"allow"')
  must(place > 0, 'there is no allowed record to tamper with')
  bytes.write('"allOw"', place)
  writeFileSync(path, bytes)
  const { exitCode, lines } = await verifyTrailFolder(copy)
  must(exitCode === 2, `the verifier ended with ${exitCode}`)
  return lines.find((line) => line.startsWith('✗')) ?? lines.join(' ')
}
