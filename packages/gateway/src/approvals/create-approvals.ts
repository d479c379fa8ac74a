import { randomBytes } from 'node:crypto'
import { type Bytes, formatRef, Secret } from '#base'
import {
  type ApprovalLink,
  GatewayError,
  type HeldOperation,
  type Identity,
  type PendingRequest,
  type RequestStatus,
  type StoredAnswer,
  type StoredRequest,
  type TrailEvent,
} from '#model'
import { approvalsOf, groupsFor, objectionTo, statusAfter, statusAt } from './answering.ts'
import { bindingOf } from './binding.ts'
import type { Answered, ApprovalDesk, Participant, RequestView, RequestWish } from './desk.ts'
import { answerEvent, expireEvent, openEvent, refusedAnswerEvent, withdrawEvent } from './events.ts'
import { type ApprovalLimits, type ApprovalsOptions, DEFAULT_APPROVAL_LIMITS } from './options.ts'
import { Turns } from './turns.ts'
import { mayKnow, viewOf } from './view.ts'
import { WaitingRoom } from './waiting-room.ts'

const KEY_NAME = 'approval-binding'
const KEY_BYTES = 32

/** Requests ended, and removed, in one sweep. */
const SWEEP_LIMIT = 100
/** How long requests are shown that ended; the trail has them for as long as it has records. */
const ENDED_KEPT_MS = 30 * 24 * 60 * 60_000
/** Requests looked through for those that a reader may know of. */
const LOOK_THROUGH = 1_000

const TOO_LATE = { code: 'SP_APPROVAL_OVER', reason: 'it was answered at the same time' } as const

/**
 * Opens the desk of requests; makes the key that binds them at the first start.
 *
 * @throws {GatewayError} `SP_VAULT_SEAL_BROKEN` when that key does not open.
 */
export async function createApprovals(options: ApprovalsOptions): Promise<ApprovalDesk> {
  const { keys, sealer, clock } = options
  const context = `key/${KEY_NAME}`
  const sealed =
    (await keys.find(KEY_NAME)) ??
    (await keys.create(KEY_NAME, sealer.seal(randomBytes(KEY_BYTES), context), Math.round(clock.nowMs())))
  return new Desk(options, new Secret(sealer.open(sealed, context)))
}

class Desk implements ApprovalDesk {
  readonly #options: ApprovalsOptions
  readonly #limits: ApprovalLimits
  readonly #key: Secret<Bytes>
  readonly #turns = new Turns()
  readonly #room = new WaitingRoom()
  /** Whose access was revoked, and whose requests, and those that they approved, are not all ended yet. */
  readonly #revoked = new Set<string>()
  #isSweeping = false

  constructor(options: ApprovalsOptions, key: Secret<Bytes>) {
    this.#options = options
    this.#limits = { ...DEFAULT_APPROVAL_LIMITS, ...options.limits }
    this.#key = key
  }

  async covers(held: HeldOperation): Promise<boolean> {
    return (await this.#covering(held)) !== undefined
  }

  async take(held: HeldOperation): Promise<ApprovalLink | undefined> {
    const request = await this.#covering(held)
    if (request === undefined || !(await this.#options.store.use(request.ref, this.#now()))) return undefined
    this.#room.wake(request.ref)
    const approvers = approvalsOf(request.answers).map(({ identityId }) => identityId)
    return { request: request.ref, records: request.records, approvers, binding: request.digest }
  }

  async ask(held: HeldOperation, intent: number): Promise<PendingRequest> {
    // One after the other for each identity, so that the same asked twice at once is one request, and the limit is one.
    return await this.#turns.take(`identity ${held.session.identity.id}`, async () => {
      const digest = bindingOf(held, this.#key)
      const known = await this.#options.store.findByDigest(digest, this.#now())
      if (known !== undefined && known.need === held.decided.decision.need) return this.#pending(known)
      return this.#pending(await this.#open(held, digest, intent))
    })
  }

  async list(reader: Identity, { status, mine, limit }: RequestWish, all: boolean): Promise<readonly RequestView[]> {
    const nowMs = this.#now()
    const { store } = this.#options
    const found =
      mine === true
        ? await store.list({ identityId: reader.id, limit: LOOK_THROUGH })
        : await store.list({ limit: LOOK_THROUGH })
    return found
      .filter((request) => status === undefined || statusAt(request, nowMs) === status)
      .filter((request) => all || mayKnow(reader, request))
      .slice(0, limit)
      .map((request) => this.#view(request, reader))
  }

  async find(ref: string, reader: Identity, all: boolean): Promise<RequestView | undefined> {
    const request = await this.#options.store.find(ref)
    if (request === undefined || !(all || mayKnow(reader, request))) return undefined
    return this.#view(request, reader)
  }

  async payload(ref: string): Promise<Uint8Array | undefined> {
    const request = await this.#options.store.find(ref)
    if (request === undefined || request.sealed.length === 0) return undefined
    return this.#options.sealer.open(request.sealed, sealContext(ref))
  }

  async answer(ref: string, by: Participant, answer: StoredAnswer['answer'], reason: string): Promise<Answered> {
    return await this.#turns.take(`request ${ref}`, async () => {
      const request = await this.#options.store.find(ref)
      if (request === undefined || !(by.knowsAll === true || mayKnow(by.identity, request))) return { kind: 'unknown' }
      const next: StoredAnswer = {
        identityId: by.identity.id,
        answer,
        groups: groupsFor(by.identity, request),
        reason: this.#options.scrubber.scrubText(reason),
        atMs: this.#now(),
      }
      const objection = objectionTo(by.identity, request)
      if (objection !== undefined)
        return await this.#refuse(request, by, next, { code: 'SP_APPROVAL_NOT_YOURS', reason: objection })
      const over = overBecause(request, next)
      if (over !== undefined) return await this.#refuse(request, by, next, { code: 'SP_APPROVAL_OVER', reason: over })
      return await this.#take(request, by, next)
    })
  }

  async withdraw(identityId: string): Promise<void> {
    this.#revoked.add(identityId)
    try {
      for (const ref of await this.#options.store.liveOf(identityId, this.#now())) {
        await this.#turns.take(`request ${ref}`, () => this.#withdrawOne(ref, identityId))
      }
      this.#revoked.delete(identityId)
    } catch (error) {
      this.#options.log.error('approvals.withdraw_failed', { identity: identityId, error: String(error) })
    }
  }

  async sweep(): Promise<void> {
    if (this.#isSweeping) return
    this.#isSweeping = true
    try {
      for (const identityId of [...this.#revoked]) await this.withdraw(identityId)
      for (const { ref } of await this.#options.store.due(this.#now(), SWEEP_LIMIT)) {
        await this.#turns.take(`request ${ref}`, () => this.#expire(ref))
      }
      await this.#options.store.sweep(this.#now() - ENDED_KEPT_MS, SWEEP_LIMIT)
    } catch (error) {
      // Time ends a request whether or not that could be noted; the next sweep tries again.
      this.#options.log.error('approvals.sweep_failed', { error: String(error) })
    } finally {
      this.#isSweeping = false
    }
  }

  /** The request that was approved for exactly this operation and need, not used and not over. */
  async #covering(held: HeldOperation): Promise<StoredRequest | undefined> {
    const found = await this.#options.store.findByDigest(bindingOf(held, this.#key), this.#now())
    if (found?.status !== 'approved' || found.need !== held.decided.decision.need) return undefined
    const involved = [found, ...approvalsOf(found.answers)]
    return involved.some(({ identityId }) => this.#revoked.has(identityId)) ? undefined : found
  }

  async #open(held: HeldOperation, digest: string, intent: number): Promise<StoredRequest> {
    const { session, operation, via, decided, scrubbed } = held
    const { decision, shape } = decided
    if (decision.need === undefined)
      throw new GatewayError('SP_POLICY_ERROR', 'a hold that names nobody who may answer')
    const openedAtMs = this.#now()
    const { store, sealer, scrubber } = this.#options
    const { agent } = session.identity
    const asker = { identityId: session.identity.id, ...(agent === undefined ? {} : { agentId: agent.id }) }
    if ((await store.countOpen(asker, openedAtMs)) >= this.#limits.openEach)
      throw new GatewayError('SP_BUSY', 'too many requests are open')
    const ref = formatRef(intent)
    const request: StoredRequest = {
      ref,
      digest,
      ...asker,
      ...(agent === undefined ? {} : { agentName: scrubber.scrubText(agent.name) }),
      resource: session.resource.name,
      ...(via === undefined ? {} : { server: via.server }),
      ...(via?.tool === undefined ? {} : { tool: via.tool }),
      verb: operation.shape.verb,
      template: shape.template,
      need: decision.need,
      reason: decision.reason ?? '',
      policies: decision.policies,
      policyHash: decision.policyHash,
      sealed: sealer.seal(scrubbed, sealContext(ref)),
      openedAtMs,
      expiresAtMs: openedAtMs + this.#limits.answerWithinMs,
      status: 'open',
      records: [],
      answers: [],
    }
    const record = await this.#record(openEvent(request, held, intent))
    const opened = { ...request, records: [record] }
    await store.create(opened)
    return opened
  }

  async #take(request: StoredRequest, by: Participant, next: StoredAnswer): Promise<Answered> {
    const { ref, answers } = request
    const status = statusAfter(request, next)
    const record = await this.#record(answerEvent(request, by, next, status))
    const change = { answer: next, record, status }
    const isTaken = await this.#options.store.answer(
      ref,
      answers.length,
      status === 'approved' ? { ...change, expiresAtMs: next.atMs + this.#limits.useWithinMs } : change,
    )
    // Another gateway on the same store was faster: that this answer had no effect is on record too.
    if (!isTaken) return await this.#refuse(request, by, next, TOO_LATE)
    if (status !== 'open') this.#room.wake(ref)
    const answered = await this.#options.store.find(ref)
    return { kind: 'answered', request: this.#view(answered ?? request, by.identity), record }
  }

  async #refuse(
    request: StoredRequest,
    by: Participant,
    { answer }: StoredAnswer,
    no: { readonly code: 'SP_APPROVAL_NOT_YOURS' | 'SP_APPROVAL_OVER'; readonly reason: string },
  ): Promise<Answered> {
    return { kind: 'refused', ...no, record: await this.#record(refusedAnswerEvent(request, by, answer, no)) }
  }

  async #expire(ref: string): Promise<void> {
    const request = await this.#options.store.find(ref)
    const nowMs = this.#now()
    if (request === undefined || request.status === statusAt(request, nowMs)) return
    const record = await this.#record(expireEvent(request))
    await this.#options.store.expire(ref, record, nowMs)
    this.#room.wake(ref)
  }

  async #withdrawOne(ref: string, revoked: string): Promise<void> {
    const request = await this.#options.store.find(ref)
    if (request === undefined || !['open', 'approved'].includes(statusAt(request, this.#now()))) return
    const record = await this.#record(withdrawEvent(request, revoked))
    // As if its time were over.
    await this.#options.store.expire(ref, record, request.expiresAtMs)
    this.#room.wake(ref)
  }

  #pending(request: StoredRequest): PendingRequest {
    const { ref, expiresAtMs, need, status } = request
    return {
      ref,
      status,
      expiresAtMs,
      need,
      answered: async (timeoutMs, signal) => {
        const left = Math.min(timeoutMs, expiresAtMs - this.#now())
        // Who waits is listed before it is looked up how it stands, so that no answer falls between the two.
        const known = new AbortController()
        const waiting = this.#room.wait(ref, left, AbortSignal.any([signal, known.signal]))
        if ((await this.#status(ref)) !== 'open') known.abort()
        await waiting
        return await this.#status(ref)
      },
    }
  }

  /** How a request stands; `open` when that cannot be read. */
  async #status(ref: string): Promise<RequestStatus> {
    try {
      const request = await this.#options.store.find(ref)
      return request === undefined ? 'open' : statusAt(request, this.#now())
    } catch (error) {
      this.#options.log.error('approvals.status_unreadable', { request: ref, error: String(error) })
      return 'open'
    }
  }

  #view(request: StoredRequest, reader: Identity): RequestView {
    return viewOf(request, reader, this.#now())
  }

  async #record(event: TrailEvent): Promise<number> {
    const { trail, clock } = this.#options
    const [receipt] = await trail.record([{ kind: 'event', timeMs: clock.nowMs(), event }])
    if (receipt === undefined) throw new GatewayError('SP_TRAIL_UNAVAILABLE', 'the trail gave no receipt')
    return receipt.sequence
  }

  #now(): number {
    return Math.round(this.#options.clock.nowMs())
  }
}

/** Why an answer comes too late or a second time. Who approved may still deny while the others are asked. */
function overBecause(request: StoredRequest, next: StoredAnswer): string | undefined {
  const status = statusAt(request, next.atMs)
  if (status !== 'open') return `the request is ${status}`
  const isSecond = approvalsOf(request.answers).some(({ identityId }) => identityId === next.identityId)
  return isSecond && next.answer === 'approve' ? 'you have approved it already' : undefined
}

function sealContext(ref: string): string {
  return `request/${ref}`
}
