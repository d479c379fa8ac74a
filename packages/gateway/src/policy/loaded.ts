import type {
  AskedFacts,
  BoundaryAction,
  ClientAddress,
  DecidedShape,
  Decision,
  Identity,
  Policy,
  Session,
  Shape,
  ViaFacts,
} from '#model'
import { leaves } from './actions.ts'
import { Answers, type Asked } from './answers.ts'
import type { Catalog, CatalogResource } from './catalog.ts'
import { decideVia } from './connecting.ts'
import { DecidedShapes } from './decided-shapes.ts'
import { buildBoundary, buildPrincipal, buildTool, type Principal } from './entities.ts'
import type { Entitlement, EntitlementSubject } from './entitlement.ts'
import { listEntitlements } from './entitlements.ts'
import { explainQuestion } from './explain.ts'
import type { Explanation, ExplainQuestion } from './explanation.ts'
import type { Circumstances } from './facts.ts'
import type { ParsedPolicy, PolicyFile } from './policies.ts'
import { connectQuestion, isUnaskable, operationQuestions } from './questions.ts'
import { denied, settle } from './verdict.ts'
import { principalOn, resourceNamed } from './way.ts'

/** Decided shapes that are kept. */
const KEPT_SHAPES = 50_000

/** What `loadPolicy` makes a policy set from, all of it checked. */
export interface CheckedSet {
  readonly policies: readonly ParsedPolicy[]
  readonly catalog: Catalog
  /** SHA-256 of `canonicalText` (hexadecimal). */
  readonly hash: string
  readonly canonicalText: string
  readonly sources: readonly PolicyFile[]
}

/** A policy set in force. Answers synchronously and never throws: whatever goes wrong is a denial. */
export class LoadedPolicy implements Policy {
  readonly kind = 'loaded'
  readonly hash: string
  readonly #set: CheckedSet
  readonly #catalog: Catalog
  readonly #answers: Answers
  readonly #decided = new DecidedShapes(KEPT_SHAPES)
  /** What was decided last where each time is decided anew. */
  readonly #former = new DecidedShapes(KEPT_SHAPES)
  /** A session's identity and resource never change, so for each way by which its operations come the principal is built once. */
  readonly #callers = new WeakMap<Session, Map<string, Caller>>()

  /** For `loadPolicy`, which has checked all of it. */
  constructor(set: CheckedSet) {
    this.hash = set.hash
    this.#set = set
    this.#catalog = set.catalog
    this.#answers = new Answers(set.policies, set.catalog, set.hash)
  }

  /** Ids of all policies in force, the shipped ones included. */
  get policyIds(): readonly string[] {
    return this.#set.policies.map(({ id }) => id)
  }

  /** The files that it was loaded from, the shipped one first. */
  get sources(): readonly PolicyFile[] {
    return this.#set.sources
  }

  /** Everything that its decisions depend on, as canonical JSON; its SHA-256 is the hash. */
  get canonicalText(): string {
    return this.#set.canonicalText
  }

  decideConnect(...[identity, resource, nowMs, client, via]: Parameters<Policy['decideConnect']>): Decision {
    return this.#guarded(() => {
      const root = resourceNamed(resource.name, this.#catalog)
      if (root === undefined) return this.#unknownResource()
      const circumstances = { nowMs, client }
      if (via !== undefined)
        return decideVia({ identity, database: root, via, circumstances }, this.#catalog, this.#answers, this.hash)
      return this.#answers.ask([connectQuestion(root)], buildPrincipal(identity, this.#catalog), circumstances).decision
    })
  }

  decideBoundary(identity: Identity, action: BoundaryAction, nowMs: number, client?: ClientAddress): Decision {
    return this.#guarded(() => {
      const question = { action: leaves[action], target: buildBoundary(this.#catalog) }
      return this.#answers.ask([question], buildPrincipal(identity, this.#catalog), { nowMs, client }).decision
    })
  }

  decide(session: Session, shape: Shape, nowMs: number, asked: AskedFacts = {}): DecidedShape {
    try {
      return this.#decide(session, shape, nowMs, asked)
    } catch {
      return Object.freeze({ shape, decision: this.#broken() })
    }
  }

  decideList(session: Session, tools: readonly string[], nowMs: number): readonly boolean[] {
    return tools.map((name) => this.#mayList(session, name, nowMs))
  }

  /** Explains how a question would be answered now: the answer, check by check, and which permits nearly matched. For `why`, not for deciding. */
  explain(question: ExplainQuestion): Explanation {
    return explainQuestion(question, {
      catalog: this.#catalog,
      policies: this.#set.policies,
      policyHash: this.hash,
      ask: (asked, principal, circumstances) => this.#answers.ask(asked, principal, circumstances),
    })
  }

  /** Who may do what under this policy, as far as it can be told without a request. */
  entitlements(subject: EntitlementSubject): readonly Entitlement[] {
    return listEntitlements(subject, this.#set.policies, this.#catalog)
  }

  #decide(session: Session, shape: Shape, nowMs: number, asked: AskedFacts): DecidedShape {
    const caller = this.#caller(session, asked.via)
    if (typeof caller === 'string') return Object.freeze({ shape, decision: this.#denied(caller) })
    const kept = this.#decided.get(caller.key, shape)
    if (kept !== undefined && asked.approved === undefined) return kept
    const circumstances = { nowMs, client: session.client, ...argumentsOf(asked) }
    const { decision, isCacheable } = this.#askShape(caller, shape, circumstances)
    if (asked.approved !== undefined) return Object.freeze({ shape, decision: settle(decision, asked.approved) })
    const decided = Object.freeze({ shape, decision })
    if (!isCacheable) return this.#former.standingFor(caller.key, decided)
    this.#decided.set(caller.key, decided)
    return decided
  }

  #askShape(caller: Caller, shape: Shape, circumstances: Circumstances): Pick<Asked, 'decision' | 'isCacheable'> {
    const { principal, root } = caller
    if (root === undefined) return { decision: this.#unknownResource(), isCacheable: false }
    const isIncomplete = shape.incomplete !== undefined
    const { accesses, definition } = shape
    const questions = operationQuestions({ accesses, isIncomplete, definition }, root)
    if (!isUnaskable(questions)) return this.#answers.ask(questions, principal, circumstances)
    return { decision: denied(questions.code, questions.reason, this.hash), isCacheable: false }
  }

  #mayList(session: Session, name: string, nowMs: number): boolean {
    try {
      const caller = this.#caller(session, undefined)
      if (typeof caller === 'string' || caller.root?.kind !== 'server') return false
      const tool = caller.root.tools.get(name)
      if (tool === undefined) return false
      const question = { action: leaves.listTool, target: buildTool(tool, caller.root) }
      const { decision } = this.#answers.ask([question], caller.principal, { nowMs, client: session.client })
      return decision.outcome === 'allow'
    } catch {
      return false
    }
  }

  /** Who asks, or what is wrong with the way by which they do. */
  #caller(session: Session, via: ViaFacts | undefined): Caller | string {
    // what a child sends is never its person's own, also when nobody says which call it is for
    const way = via ?? (session.via === undefined ? undefined : { server: session.via.server })
    if (way !== undefined && session.via !== undefined && way.server !== session.via.server)
      return 'it comes through another MCP server than its session'
    const ways = this.#callers.get(session) ?? new Map<string, Caller>()
    this.#callers.set(session, ways)
    const name = way === undefined ? '' : JSON.stringify([way.server, way.tool ?? null])
    const known = ways.get(name)
    if (known !== undefined) return known
    const caller = this.#meet(session, way)
    // only what the catalog knows is kept, so there are never many
    if (typeof caller !== 'string') ways.set(name, caller)
    return caller
  }

  #meet(session: Session, via: ViaFacts | undefined): Caller | string {
    // what the resource *is* was approved with the policy; the session's own object may be older
    const root = resourceNamed(session.resource.name, this.#catalog)
    const principal = principalOn(session.identity, via, this.#catalog)
    if (typeof principal === 'string') return principal
    return { principal, root, key: `${root?.entity ?? ''}\n${principal.key}` }
  }

  #unknownResource(): Decision {
    return denied('SP_RESOURCE_UNKNOWN', 'the policy in force knows no such resource', this.hash)
  }

  #denied(reason: string): Decision {
    return denied('SP_POLICY_DENIED', reason, this.hash)
  }

  #guarded(decide: () => Decision): Decision {
    try {
      return decide()
    } catch {
      return this.#broken()
    }
  }

  #broken(): Decision {
    return denied('SP_POLICY_ERROR', 'policy could not be evaluated', this.hash)
  }
}

function argumentsOf(asked: AskedFacts): Pick<AskedFacts, 'arguments'> {
  return asked.arguments === undefined ? {} : { arguments: asked.arguments }
}

/** What is known of a session's caller on one way. */
interface Caller {
  readonly principal: Principal
  readonly root: CatalogResource | undefined
  /** Names the resource and everything that policy can see of the identity. */
  readonly key: string
}
