import type { Place } from './source.ts'

/** Which rule a policy breaks; `docs/guide/policy.md` lists them. */
export type PolicyRule =
  | 'limit'
  | 'cedar-syntax'
  | 'cedar-type'
  | 'cedar-warning'
  | 'annotation'
  | 'unknown-name'
  | 'wildcard'
  | 'cde-review'
  | 'ban'
  | 'approval'
  | 'argument'

/** Something wrong with a policy, with its place. */
export interface PolicyProblem {
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1, in UTF-16 units. */
  readonly column: number
  readonly rule: PolicyRule
  /** The policy's `@id`, when it has one. */
  readonly policy?: string
  readonly message: string
  /** What to do about it. */
  readonly fix: string
}

/** A finding before it has a place. */
export interface Finding {
  readonly rule: PolicyRule
  readonly message: string
  readonly fix: string
  /** Index in the file's text (UTF-16 units). */
  readonly at: number
}

/** The answer of `loadPolicy` when a policy set may not be used. */
export interface PolicyProblems {
  readonly kind: 'problems'
  /** By file, line and column; never empty. */
  readonly problems: readonly PolicyProblem[]
}

/** Formats a problem as one line of a terminal: `file:line:column: message (policy); fix`. */
export function formatProblem(problem: PolicyProblem): string {
  const subject = problem.policy === undefined ? '' : `"${problem.policy}": `
  return `${problem.file}:${problem.line}:${problem.column}: ${subject}${problem.message}; ${problem.fix}`
}

/** Sorts by file, place and words (Cedar gives its complaints in no order) and drops what was found twice. */
export function sortProblems(problems: readonly PolicyProblem[]): readonly PolicyProblem[] {
  const once = new Map(problems.map((problem) => [formatProblem(problem), problem]))
  return [...once.values()].sort(compareProblems)
}

function compareProblems(a: PolicyProblem, b: PolicyProblem): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1
  return a.line - b.line || a.column - b.column || (a.message < b.message ? -1 : 1)
}

/** Gives a finding its file, line, column and policy. */
export function placeFinding(finding: Finding, file: string, place: Place, policy: string | undefined): PolicyProblem {
  const { rule, message, fix } = finding
  return { file, ...place, rule, message, fix, ...(policy === undefined ? {} : { policy }) }
}
