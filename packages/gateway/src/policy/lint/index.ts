/**
 * lint: what Cedar's strict validation lets through and this boundary does not (`docs/guide/policy.md`, *What is refused*): names of nothing,
 * wildcards, unreviewed reach into the CDE, bans with a hole, approvals by nobody. Works on the parsed policy alone; nothing is guessed.
 */
import type { Catalog } from '../catalog.ts'
import type { ParsedPolicy } from '../policies.ts'
import { type Finding, placeFinding, type PolicyProblem } from '../problems.ts'
import { placeAt } from '../source.ts'
import { lintAnnotations } from './annotations.ts'
import { lintApprovals } from './approvals.ts'
import { lintArguments } from './arguments.ts'
import { lintBan } from './bans.ts'
import { lintEntities } from './entities.ts'
import { locateAnnotation } from './locate.ts'
import { lintPermit } from './permits.ts'

/** Lints policies one by one and their ids against each other. */
export function lintPolicies(policies: readonly ParsedPolicy[], catalog: Catalog): readonly PolicyProblem[] {
  const problems: PolicyProblem[] = []
  const owners = new Map<string, ParsedPolicy>()
  for (const policy of policies) {
    for (const finding of findingsOf(policy, catalog)) problems.push(toProblem(policy, finding))
    const owner = owners.get(policy.id)
    if (owner !== undefined) problems.push(toProblem(policy, duplicateId(policy, owner)))
    else if (policy.id !== '') owners.set(policy.id, policy)
  }
  return problems
}

function* findingsOf(policy: ParsedPolicy, catalog: Catalog): Generator<Finding> {
  yield* lintAnnotations(policy)
  yield* lintEntities(policy, catalog)
  yield* lintPermit(policy, catalog)
  yield* lintBan(policy)
  yield* lintApprovals(policy, catalog)
  yield* lintArguments(policy, catalog)
}

function duplicateId(policy: ParsedPolicy, owner: ParsedPolicy): Finding {
  const { line } = placeAt(owner.file.text, owner.statement.start)
  return {
    rule: 'annotation',
    message: `this @id is taken by ${owner.file.name}:${line}`,
    fix: 'give each policy an id of its own',
    at: locateAnnotation(policy, 'id'),
  }
}

function toProblem(policy: ParsedPolicy, finding: Finding): PolicyProblem {
  return placeFinding(
    finding,
    policy.file.name,
    placeAt(policy.file.text, finding.at),
    policy.id === '' ? undefined : policy.id,
  )
}
