import { shownStatement } from './access-log.ts'
import { answerOf, boundOf, openingOf, type Request } from './approval-request.ts'
import {
  type ApprovalCheck,
  checkAllowed,
  type CheckName,
  CHECKS,
  checkUse,
  isOtherNeed,
  UNCHECKED,
} from './approval-checks.ts'
import { askingInForce, type AskingPolicies } from './asking-policies.ts'
import { type HeldOperation, heldOperation } from './held-operation.ts'
import { type JsonObject, textAt, valueAt } from './members.ts'

/** Held operations that are kept until their requests are opened, which is at once or never. */
const KEPT_HELD = 4_096
/** Records that a check names. */
const NAMED_RECORDS = 100

/** Gathers requests for approvals from records, in their order. */
export class Approvals {
  /** The policy of the pack, by its text; others by the records that put them in force. */
  readonly #policies = new Map<string | null, AskingPolicies['needs']>()
  readonly #requests = new Map<string, Request>()
  readonly #held = new Map<number, Pick<Request, 'held' | 'statement'>>()
  readonly #found = new Map<CheckName, { count: number; records: number[] }>()

  constructor(asking: AskingPolicies) {
    if (asking.hash !== undefined) this.#policies.set(asking.hash, asking.needs)
  }

  /** In the order of their first records. */
  get requests(): Iterable<Request> {
    return this.#requests.values()
  }

  get checks(): readonly ApprovalCheck[] {
    const line = ([name, check]: [string, string], kind: ApprovalCheck['kind']): ApprovalCheck => {
      const { count, records } = this.#found.get(name as CheckName) ?? { count: 0, records: [] }
      return { check, kind, count, records }
    }
    return [
      ...Object.entries(CHECKS).map((entry) => line(entry, 'must be 0')),
      ...Object.entries(UNCHECKED).map((entry) => line(entry, 'not checked')),
    ]
  }

  /** Takes an intent, with its payload when that is disclosed: it may be held, or run under an approval. */
  takeIntent(record: number, leaf: JsonObject, payload: string | undefined): void {
    const outcome = textAt(leaf, 'unmapped', 'decision', 'outcome')
    const ref = textAt(leaf, 'unmapped', 'approval', 'request')
    if (outcome === 'hold') this.#keep(record, heldOperation(leaf, payload), payload)
    if (ref === null) {
      const wrong = outcome === 'allow' ? checkAllowed(leaf, this.#policies) : undefined
      if (wrong !== undefined) this.#find(wrong, record)
      return
    }
    const request = this.#request(ref)
    for (const wrong of checkUse({ request, leaf, operation: heldOperation(leaf, payload) })) this.#find(wrong, record)
    request.uses.push(record)
  }

  /** Takes the end of an operation. */
  takeEnd(intent: { readonly record: number; readonly leaf: JsonObject }, outcome: JsonObject): void {
    const isPermitted = textAt(intent.leaf, 'unmapped', 'decision', 'outcome') === 'allow'
    if (!isPermitted && textAt(outcome, 'unmapped', 'status') !== 'refused') this.#find('refusedAndRan', intent.record)
  }

  /** Takes a record about a request, or about a policy that comes in force. */
  takeEvent(record: number, leaf: JsonObject): void {
    const policy = askingInForce(leaf)
    if (policy?.hash !== undefined && !this.#policies.has(policy.hash)) this.#policies.set(policy.hash, policy.needs)
    if (valueAt(leaf, 'entity', 'type') !== 'request') return
    const ref = textAt(leaf, 'entity', 'uid')
    if (ref === null) return
    const request = this.#request(ref)
    switch (textAt(leaf, 'unmapped', 'activity')) {
      case 'request-open':
        this.#open(request, record, leaf)
        return
      case 'request-approve':
        this.#answer(request, 'approve', record, leaf)
        return
      case 'request-deny':
        this.#answer(request, 'deny', record, leaf)
        return
      case 'request-expire':
        request.expired ??= record
        return
      case 'request-withdraw':
        request.withdrawn ??= record
        return
      default:
    }
  }

  #open(request: Request, record: number, leaf: JsonObject): void {
    if (request.opened !== undefined) return
    request.bound ??= boundOf(leaf)
    request.opened = openingOf(record, leaf)
    const intent = request.opened.intent ?? -1
    Object.assign(request, this.#held.get(intent))
    this.#held.delete(intent)
    if (isOtherNeed(request, this.#policies)) this.#find('otherNeed', record)
  }

  #answer(request: Request, answer: 'approve' | 'deny', record: number, leaf: JsonObject): void {
    const given = answerOf(record, answer, leaf)
    request.bound ??= given.bound
    if (given.bound !== request.bound) this.#find('otherBinding', record)
    request.answers.push(given)
  }

  #find(check: CheckName, record: number): void {
    const found = this.#found.get(check) ?? { count: 0, records: [] }
    found.count += 1
    if (found.records.length < NAMED_RECORDS) found.records.push(record)
    this.#found.set(check, found)
  }

  #keep(record: number, held: HeldOperation, payload: string | undefined): void {
    this.#held.set(record, { held, statement: shownStatement(payload) })
    if (this.#held.size <= KEPT_HELD) return
    const [oldest] = this.#held.keys()
    if (oldest !== undefined) this.#held.delete(oldest)
  }

  #request(ref: string): Request {
    let request = this.#requests.get(ref)
    if (request === undefined) {
      request = {
        ref,
        bound: undefined,
        opened: undefined,
        held: undefined,
        statement: undefined,
        answers: [],
        expired: undefined,
        withdrawn: undefined,
        uses: [],
      }
      this.#requests.set(ref, request)
    }
    return request
  }
}
