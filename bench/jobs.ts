import type { Family, Job } from './family.ts'
import { mcpFamily } from './mcp/family.ts'
import { postgresFamily } from './postgres/family.ts'

/** A name that no job can be run for; the message says which there are. */
export class JobError extends Error {}

/** What is done with the jobs that were picked from each family. */
export type EachFamily = <L>(family: Family<L>, jobs: readonly Job<L>[]) => void

/** Picks jobs by their names, all of them without a name. @throws {JobError} for a name that is not known. */
export function pickJobs(names: readonly string[], each: EachFamily): void {
  const known = [...postgresFamily.jobs, ...mcpFamily.jobs].map(({ name }) => name)
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) throw new JobError(`no job '${unknown}'; there are: ${known.join(', ')}`)
  pick(postgresFamily, names, each)
  pick(mcpFamily, names, each)
}

function pick<L>(family: Family<L>, names: readonly string[], each: EachFamily): void {
  const jobs = family.jobs.filter(({ name }) => names.length === 0 || names.includes(name))
  if (jobs.length > 0) each(family, jobs)
}
