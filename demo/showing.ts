import type pg from 'pg'
import { verifyTrailFolder } from '#app'
import type { RecordList, RecordView, TrailStatusView } from '#api'
import type { Boundary } from './boundary.ts'
import { sallyport } from './command.ts'
import { api } from './people.ts'

/** One step of the tour: what it shows, and the showing. A step that does not show what it must throws. */
export interface Step {
  readonly title: string
  run(tour: Tour): Promise<string>
}

/** What the steps share. */
export interface Tour {
  readonly boundary: Boundary
  /** Resolves to the seconds since the command was given. */
  seconds(): number
  /** References and statements met on the way, which the reading steps must find. */
  readonly statements: string[]
  readonly refs: string[]
}

/** Asks something, and keeps it for the steps that look it up. */
export async function ask(
  tour: Tour,
  client: pg.Client,
  statement: string,
): Promise<pg.QueryResult<Readonly<Record<string, unknown>>>> {
  tour.statements.push(statement)
  return await client.query<Readonly<Record<string, unknown>>>(statement)
}

/** Asks something that must be refused with a reference. */
export async function refusalOf(
  tour: Tour,
  client: pg.Client,
  statement: string,
): Promise<{ code: string; message: string }> {
  const error: unknown = await ask(tour, client, statement).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  must(error instanceof Error && 'code' in error, `${statement} was not refused`)
  const { message, code } = error as Error & { code: string }
  const ref = /\[ref ([0-9A-Z]+)\]/.exec(message)?.[1]
  must(ref !== undefined, `the refusal has no reference: ${message}`)
  tour.refs.push(ref ?? '')
  return { code, message }
}

/** How long the log may be behind the trail: a checkpoint comes each second, and this machine may have other work. */
const SHOWN_TIMEOUT_MS = 20_000

/** The log shows what a signed checkpoint covers: waits until that is all that is durable now. */
export async function untilShown(boundary: Boundary): Promise<void> {
  const { durable } = await api<TrailStatusView>(boundary, 'dana', '/trail/status')
  const deadline = performance.now() + SHOWN_TIMEOUT_MS
  while ((await api<TrailStatusView>(boundary, 'dana', '/trail/status')).indexed < durable) {
    must(performance.now() < deadline, 'the log does not catch up with the trail')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** What `sallyport log` says to the auditor. */
export async function readLog(boundary: Boundary, ...args: readonly string[]): Promise<readonly RecordView[]> {
  const { stdout } = await must0(sallyport(boundary, 'log', ...args, '--profile', 'dana', '--json'))
  return (JSON.parse(stdout) as RecordList).records
}

/** The verdict of the verifier on the trail; it must be that it is intact. */
export async function verified(boundary: Boundary): Promise<string> {
  const { exitCode, lines } = await verifyTrailFolder(boundary.trailFolder)
  must(exitCode === 0, lines.join('\n'))
  return lines.at(-1) ?? ''
}

/** Waits for a command that must succeed. */
export async function must0(running: ReturnType<typeof sallyport>): ReturnType<typeof sallyport> {
  const result = await running
  must(result.exitCode === 0, `sallyport ended with ${result.exitCode}: ${result.stderr.trim()}`)
  return result
}

/** What a step must show. */
export function must(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(otherwise)
}
