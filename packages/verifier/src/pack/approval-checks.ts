import { type Answer, approvalsOf, type Request } from './approval-request.ts'
import type { KnownPolicies } from './asking-policies.ts'
import { type HeldOperation, isAnotherOperation, isCut } from './held-operation.ts'
import { countAt, type JsonObject, textAt, textsAt } from './members.ts'
import { isNeedMet, joinNeeds, parseNeed } from './needs.ts'
import type { Table } from './table.ts'

/** `must be 0`: a breach; `not checked`: what the records of the pack do not suffice for. */
type CheckKind = 'must be 0' | 'not checked'

/** What was looked for, and how often it was found. */
export interface ApprovalCheck {
  readonly check: string
  readonly kind: CheckKind
  readonly count: number
  /** The first of them. */
  readonly records: readonly number[]
}

/** Artifact 3: whether what ran under approvals ran under good ones. */
export const APPROVAL_CHECKS: Table<ApprovalCheck> = {
  name: '3-approval-checks',
  artifact: 3,
  title: 'What must not happen with approvals, each line counted on its own and to be 0; and what could not be checked',
  query: 'counted over the records of the pack, as each line says',
  columns: [
    { name: 'check', from: 'what is counted', of: ({ check }) => check },
    { name: 'kind', from: 'must be 0, or not checked: the pack does not hold what it takes', of: ({ kind }) => kind },
    { name: 'count', from: 'how many there are', of: ({ count }) => count },
    { name: 'records', from: 'metadata.sequence of the first 100', of: ({ records }) => records },
  ],
}

/** Every check, in the order of the table: what exactly is counted. */
export const CHECKS = {
  refusedAndRan: 'operations that policy held or denied and that ran all the same (outcome other than refused)',
  withoutApproval: 'operations that policy allowed by a policy with @approvers, without a request in approval',
  usedTwice: 'operations that ran under an approval which another had used before',
  ownApproval: 'operations that ran under an approval of the one who asked, by their own record or by the answers',
  neverApproved: 'operations that ran under a request, opened within this pack, that nobody had approved before',
  needNotMet:
    'operations that ran under a request, opened within this pack, whose approvals before do not make up its need (people in the groups of the need, not through an agent, each counted once)',
  otherApprovers:
    'operations that ran under a request, opened within this pack, and name other approvers than its answers have',
  afterDenial: 'operations that ran under a request that had been denied before',
  afterEnd: 'operations that ran under a request, opened within this pack, after its time was over or it was withdrawn',
  otherOperation:
    'operations that ran under a request, opened within this pack, and are not the held one (person, agent, MCP server and tool, resource, verb, definition of the tool, template, size of the payload; the payload where both are disclosed; the binding where it is on record)',
  otherBinding: 'answers whose binding, need or held record is another than that of their request',
  otherNeed:
    'requests, opened within this pack, whose requester, need or policies are not those of the held record, or that do not need what the @approvers of these policies say',
} as const

/** What the records of a pack may not suffice for, in the order of the table. */
export const UNCHECKED = {
  earlierRequest:
    'operations that ran under a request opened before this pack: whether it was met, in time and for this operation does not show here',
  otherPolicy:
    'operations that were allowed by a policy that is not in this pack, nor the record that put it in force: which of it has @approvers does not show here',
} as const

/** The name of a check. */
export type CheckName = keyof typeof CHECKS | keyof typeof UNCHECKED

/** An operation that runs under a request. */
export interface Use {
  readonly request: Request
  readonly leaf: JsonObject
  readonly operation: HeldOperation
}

/** What is wrong, by its record and those before it, with an operation that names a request. */
export function* checkUse(use: Use): Generator<CheckName> {
  const { request, leaf } = use
  if (isNotHeld(use)) yield 'otherOperation'
  // A second use is wrong whatever its request says, and a request with many of both must not be read for each.
  if (request.uses.length > 0) {
    yield 'usedTwice'
    return
  }
  const approvals = approvalsOf(request)
  if (isOwnApproval(use, approvals)) yield 'ownApproval'
  if (request.answers.some(({ answer, isRefused }) => answer === 'deny' && !isRefused)) yield 'afterDenial'
  if (request.opened === undefined) {
    yield 'earlierRequest'
    return
  }
  if (approvals.length === 0) yield 'neverApproved'
  if (!isMet(request, approvals)) yield 'needNotMet'
  if (namesOthers(leaf, approvals)) yield 'otherApprovers'
  const { expiresMs } = request.opened
  const isLate = expiresMs !== null && (countAt(leaf, 'time') ?? 0) > expiresMs
  if (isLate || request.expired !== undefined || request.withdrawn !== undefined) yield 'afterEnd'
}

/** What is to be said of an operation that policy allowed without a request. */
export function checkAllowed(leaf: JsonObject, known: KnownPolicies): CheckName | undefined {
  const needs = known.get(textAt(leaf, 'unmapped', 'decision', 'policy_hash'))
  if (needs === undefined) return 'otherPolicy'
  const policies = textsAt(leaf, 'unmapped', 'decision', 'policies')
  return policies.some((policy) => needs.has(policy)) ? 'withoutApproval' : undefined
}

/** Whether a request is not the one that the record of what was held, or policy, asks for. */
export function isOtherNeed({ opened, held }: Request, known: KnownPolicies): boolean {
  if (opened === undefined) return false
  const { need } = opened
  const policies = new Set(opened.policies)
  if (held !== undefined) {
    const { decision, requester } = held
    if (requester !== opened.requester) return true
    if (decision.need !== null && decision.need !== need) return true
    if (decision.policies.some((policy) => !policies.has(policy))) return true
  }
  const needs = known.get(opened.policyHash)
  if (needs === undefined) return false
  return joinNeeds([...policies].flatMap((policy) => parseNeed(needs.get(policy) ?? '') ?? [])) !== need
}

function isOwnApproval({ leaf, request }: Use, approvals: readonly Answer[]): boolean {
  const actor = textAt(leaf, 'actor', 'user', 'uid')
  const asked = request.opened?.requester ?? null
  const approvers = [...textsAt(leaf, 'unmapped', 'approval', 'approvers'), ...approvals.map(({ by }) => by)]
  return approvers.some((id) => id === actor || id === asked)
}

/** Whoever answers does so as a person, not through an agent, and in a group that their own record says they are in. */
function isMet({ opened }: Request, approvals: readonly Answer[]): boolean {
  const need = parseNeed(opened?.need ?? '')
  if (need === undefined) return false
  const counting = approvals.filter(({ isPersonal }) => isPersonal)
  return isNeedMet(
    need,
    counting.map(({ by, ownGroups }) => ({ id: by, groups: ownGroups })),
  )
}

function namesOthers(leaf: JsonObject, approvals: readonly Answer[]): boolean {
  const named = new Set(textsAt(leaf, 'unmapped', 'approval', 'approvers'))
  const answered = new Set(approvals.map(({ by }) => by))
  const isUnknown = [...named].some((id) => !answered.has(id))
  return isUnknown || (!isCut(leaf, 'approvers') && named.size !== answered.size)
}

function isNotHeld({ request: { held, opened }, leaf, operation }: Use): boolean {
  if (opened === undefined) return false
  const binding = textAt(leaf, 'unmapped', 'approval', 'binding')
  if (binding !== null && binding !== opened.binding) return true
  return held !== undefined && isAnotherOperation(held, operation)
}
