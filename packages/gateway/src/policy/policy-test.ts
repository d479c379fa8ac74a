import type { ClientAddress, Decision } from '#model'
import { type PolicyCase, parseCases } from './cases.ts'
import type { Explanation } from './explanation.ts'
import type { LoadedPolicy } from './loaded.ts'
import { SYSTEM_PREFIX } from './policies.ts'

/** What became of the cases of a tests file. */
export interface PolicyTestReport {
  /** What is wrong with the document itself; when there is something, no case ran. */
  readonly faults: readonly string[]
  readonly results: readonly PolicyTestResult[]
  /** Policies that determined no case: nothing shows that they do what they are meant to. Shipped ones are left out. */
  readonly unexercised: readonly string[]
}

/** What became of one case. */
export interface PolicyTestResult {
  readonly name: string
  readonly passed: boolean
  readonly expected: {
    readonly outcome: Decision['outcome']
    readonly policies?: readonly string[]
    readonly need?: string
  }
  readonly decision: Decision
  readonly explanation: Explanation
}

/**
 * Runs the cases of a tests file against a loaded policy, for `sallyport policy test`.
 *
 * @param document the parsed YAML or JSON; its form is in `docs/guide/policy.md`.
 */
export function testPolicy(loaded: LoadedPolicy, document: unknown): PolicyTestReport {
  const parsed = parseCases(document)
  if (parsed.kind === 'faults') return { faults: parsed.faults, results: [], unexercised: [] }
  const results = parsed.cases.map((policyCase) => runCase(loaded, policyCase))
  const exercised = new Set(results.flatMap(({ decision }) => decision.policies))
  const unexercised = loaded.policyIds.filter((id) => !exercised.has(id) && !id.startsWith(SYSTEM_PREFIX))
  return { faults: [], results, unexercised }
}

function runCase(loaded: LoadedPolicy, policyCase: PolicyCase): PolicyTestResult {
  const { name, identity, what, expect, by, needs, nowMs, address } = policyCase
  const client: ClientAddress | undefined = address === undefined ? undefined : { address, port: 0, tls: true }
  const explanation = loaded.explain({
    identity,
    what,
    nowMs,
    audience: 'owner',
    ...(client === undefined ? {} : { client }),
  })
  const { decision } = explanation
  return {
    name,
    passed:
      decision.outcome === expect &&
      (by === undefined || by.join('\n') === decision.policies.join('\n')) &&
      (needs === undefined || needs === decision.need),
    expected: {
      outcome: expect,
      ...(by === undefined ? {} : { policies: by }),
      ...(needs === undefined ? {} : { need: needs }),
    },
    decision,
    explanation,
  }
}
