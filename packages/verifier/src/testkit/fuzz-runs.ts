import { env } from 'node:process'

/** How often a property is tried: 100,000 times for a parser, fewer by `share` where one try costs more. */
export function fuzzRuns(share = 1): number {
  return Math.max(1, Math.floor(Number(env['SALLYPORT_FUZZ_RUNS'] ?? 100_000) * share))
}
