/**
 * policy: who may do what, in Cedar. Loads policy files against a schema generated from the configuration, refuses what is wrong with
 * them, decides, and explains.
 *
 * It reads no file and no clock: texts and times are passed in. Everything is synchronous once loaded, and any error within is a denial.
 * Whatever leaves here about a decision holds ids of policies and names that policy knows; never a message of Cedar, which would quote
 * values.
 *
 * The model, with what was tried and what fails open: docs/guide/policy.md.
 */
export type { Entitlement, EntitlementApproval, EntitlementSubject } from './entitlement.ts'
export {
  type ExplainedCheck,
  type ExplainedThing,
  type Explanation,
  type ExplainQuestion,
  formatExplanation,
  type NearMiss,
  type PolicyNote,
} from './explanation.ts'
export { isPolicyProblems, loadPolicy, type PolicyInput } from './load.ts'
export type { LoadedPolicy } from './loaded.ts'
export type { PolicyFile } from './policies.ts'
export { type PolicyTestReport, type PolicyTestResult, testPolicy } from './policy-test.ts'
export { formatProblem, type PolicyProblem, type PolicyProblems, type PolicyRule } from './problems.ts'
