import { type ApprovalCheck, type Request } from './approval-table.ts'
import { countAt, type JsonObject, textAt, textsAt, valueAt } from './members.ts'

/** Templates of held operations that are kept until their requests are opened, which is at once or never. */
const KEPT_TEMPLATES = 4_096
/** Records that a check names. */
const NAMED_RECORDS = 100
const SUCCESS = 1

const CHECKS = {
  heldAndRan: 'operations that policy held and that ran all the same (decision hold, outcome other than refused)',
  usedTwice: 'operations that ran under an approval which another had used before',
  ownApproval: 'operations that ran under an approval of the one who asked',
  neverApproved: 'operations that ran under a request, opened within this pack, that nobody had approved before',
  afterDenial: 'operations that ran under a request that had been denied before',
  afterEnd: 'operations that ran under a request, opened within this pack, after its time was over',
} as const

/** Gathers requests for approvals from records, in their order. */
export class Approvals {
  readonly #requests = new Map<string, Request>()
  readonly #templates = new Map<number, string | null>()
  readonly #found = new Map<keyof typeof CHECKS, { count: number; records: number[] }>()

  /** In the order of their first records. */
  get requests(): Iterable<Request> {
    return this.#requests.values()
  }

  get checks(): readonly ApprovalCheck[] {
    return Object.entries(CHECKS).map(([name, check]) => ({
      check,
      ...(this.#found.get(name as keyof typeof CHECKS) ?? { count: 0, records: [] }),
    }))
  }

  /** Takes an intent: it may be held, or run under an approval. */
  takeIntent(record: number, leaf: JsonObject): void {
    if (textAt(leaf, 'unmapped', 'decision', 'outcome') === 'hold') this.#keepTemplate(record, leaf)
    const ref = textAt(leaf, 'unmapped', 'approval', 'request')
    if (ref === null) return
    const request = this.#request(ref)
    this.#check(request, record, leaf)
    request.uses.push(record)
  }

  /** Takes the end of an operation that policy held. */
  takeEnd(intent: { readonly record: number; readonly leaf: JsonObject }, outcome: JsonObject): void {
    const wasHeld = textAt(intent.leaf, 'unmapped', 'decision', 'outcome') === 'hold'
    if (wasHeld && textAt(outcome, 'unmapped', 'status') !== 'refused') this.#find('heldAndRan', intent.record)
  }

  /** Takes a record about a request. */
  takeEvent(record: number, leaf: JsonObject): void {
    if (valueAt(leaf, 'entity', 'type') !== 'request') return
    const ref = textAt(leaf, 'entity', 'uid')
    if (ref === null) return
    const request = this.#request(ref)
    const activity = textAt(leaf, 'unmapped', 'activity')
    switch (activity) {
      case 'request-open':
        request.opened ??= { record, leaf }
        request.template = this.#templates.get(countAt(leaf, 'unmapped', 'details', 'intent') ?? -1) ?? null
        return
      case 'request-approve':
      case 'request-deny': {
        const answer = activity === 'request-approve' ? 'approve' : 'deny'
        request.answers.push({ record, answer, leaf, isRefused: leaf['status_id'] !== SUCCESS })
        return
      }
      case 'request-expire':
        request.expired ??= record
        return
      case 'request-withdraw':
        request.withdrawn ??= record
        return
      default:
    }
  }

  #check(request: Request, record: number, leaf: JsonObject): void {
    const actor = textAt(leaf, 'actor', 'user', 'uid')
    const given = request.answers.filter(({ isRefused }) => !isRefused)
    if (request.uses.length > 0) this.#find('usedTwice', record)
    if (actor !== null && textsAt(leaf, 'unmapped', 'approval', 'approvers').includes(actor))
      this.#find('ownApproval', record)
    if (given.some(({ answer }) => answer === 'deny')) this.#find('afterDenial', record)
    if (request.opened === undefined) return
    if (!given.some(({ answer }) => answer === 'approve')) this.#find('neverApproved', record)
    const expires = countAt(request.opened.leaf, 'unmapped', 'details', 'expires')
    const isLate = expires !== null && (countAt(leaf, 'time') ?? 0) > expires
    if (isLate || request.expired !== undefined) this.#find('afterEnd', record)
  }

  #find(check: keyof typeof CHECKS, record: number): void {
    const found = this.#found.get(check) ?? { count: 0, records: [] }
    found.count += 1
    if (found.records.length < NAMED_RECORDS) found.records.push(record)
    this.#found.set(check, found)
  }

  #keepTemplate(record: number, leaf: JsonObject): void {
    const template = textAt(leaf, 'query_info', 'query_string') ?? textAt(leaf, 'unmapped', 'template')
    this.#templates.set(record, template)
    if (this.#templates.size <= KEPT_TEMPLATES) return
    const [oldest] = this.#templates.keys()
    if (oldest !== undefined) this.#templates.delete(oldest)
  }

  #request(ref: string): Request {
    let request = this.#requests.get(ref)
    if (request === undefined) {
      request = {
        ref,
        opened: undefined,
        template: null,
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
