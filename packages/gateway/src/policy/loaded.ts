import type {
  BoundaryAction,
  ClientAddress,
  DecidedShape,
  Decision,
  Identity,
  Policy,
  Resource,
  Session,
  Shape,
} from '#model'
import type { Catalog, CatalogDatabase } from './catalog.ts'
import { answerCheck, type CheckResult } from './check.ts'
import { buildBoundary, buildPrincipal, buildTarget, type Principal } from './entities.ts'
import { DecidedShapes } from './decided-shapes.ts'
import { explainQuestion } from './explain.ts'
import type { Explanation, ExplainQuestion } from './explanation.ts'
import type { Circumstances } from './facts.ts'
import type { ParsedPolicy } from './policies.ts'
import { isUnaskable, type Question, statementQuestions } from './questions.ts'
import { Recent } from './recent.ts'
import { Slices } from './slices.ts'
import { type Answered, denied, joinAnswers } from './verdict.ts'

/** Answers to single checks that are kept: identities × objects in use, each some hundred bytes. */
const KEPT_ANSWERS = 20_000
/** Decided shapes that are kept. */
const KEPT_SHAPES = 50_000

/** A policy set in force. Answers synchronously and never throws: whatever goes wrong is a denial. */
export class LoadedPolicy implements Policy {
  readonly kind = 'loaded'
  readonly hash: string
  readonly #catalog: Catalog
  readonly #policies: ReadonlyMap<string, ParsedPolicy>
  readonly #slices: Slices
  readonly #answers = new Recent<CheckResult>(KEPT_ANSWERS)
  readonly #decided = new DecidedShapes(KEPT_SHAPES)
  /** A session's identity and resource never change, so its principal is built once. */
  readonly #callers = new WeakMap<Session, Caller>()

  /** For `loadPolicy`, which has checked all of it. */
  constructor(policies: readonly ParsedPolicy[], catalog: Catalog, hash: string) {
    this.hash = hash
    this.#catalog = catalog
    this.#policies = new Map(policies.map((policy) => [policy.id, policy]))
    this.#slices = new Slices(policies, catalog)
  }

  /** Ids of all policies in force, the shipped ones included. */
  get policyIds(): readonly string[] {
    return [...this.#policies.keys()]
  }

  decideConnect(identity: Identity, resource: Resource, nowMs: number, client?: ClientAddress): Decision {
    return this.#guarded(() => {
      const database = this.#catalog.databases.get(resource.name)
      if (database === undefined) return this.#unknownResource()
      const question = { action: 'connect', target: buildTarget({ kind: 'database' }, database) } as const
      return this.#ask([question], buildPrincipal(identity, this.#catalog), { nowMs, client }).decision
    })
  }

  decideBoundary(identity: Identity, action: BoundaryAction, nowMs: number, client?: ClientAddress): Decision {
    return this.#guarded(() => {
      const question = { action, target: buildBoundary(this.#catalog) }
      return this.#ask([question], buildPrincipal(identity, this.#catalog), { nowMs, client }).decision
    })
  }

  decide(session: Session, shape: Shape, nowMs: number): DecidedShape {
    try {
      return this.#decide(session, shape, nowMs)
    } catch {
      return Object.freeze({ shape, decision: this.#broken() })
    }
  }

  decideList(_session: Session, tools: readonly string[]): readonly boolean[] {
    return tools.map(() => false)
  }

  /** Explains how a question would be answered now: the answer, check by check, and which permits nearly matched. For `why`, not for deciding. */
  explain(question: ExplainQuestion): Explanation {
    return explainQuestion(question, {
      catalog: this.#catalog,
      policies: [...this.#policies.values()],
      policyHash: this.hash,
      ask: (asked, principal, circumstances) => this.#ask(asked, principal, circumstances),
    })
  }

  #decide(session: Session, shape: Shape, nowMs: number): DecidedShape {
    const caller = this.#callers.get(session) ?? this.#meet(session)
    const known = this.#decided.get(caller.key, shape)
    if (known !== undefined) return known
    const { decision, isCacheable } = this.#askShape(caller, shape, { nowMs, client: session.client })
    const decided = Object.freeze({ shape, decision })
    if (isCacheable) this.#decided.set(caller.key, decided)
    return decided
  }

  #askShape(caller: Caller, shape: Shape, circumstances: Circumstances): Asked {
    if (caller.database === undefined) return { decision: this.#unknownResource(), answers: [], isCacheable: false }
    const questions = statementQuestions(shape.accesses, shape.incomplete !== undefined, caller.database)
    if (!isUnaskable(questions)) return this.#ask(questions, caller.principal, circumstances)
    return { decision: denied(questions.code, questions.reason, this.hash), answers: [], isCacheable: false }
  }

  #ask(questions: readonly Question[], principal: Principal, circumstances: Circumstances): Asked {
    let isCacheable = true
    const answers: Answered[] = []
    for (const question of questions) {
      const { result, isKept } = this.#answer(question, principal, circumstances)
      isCacheable &&= isKept
      answers.push({ question, result })
    }
    return { decision: joinAnswers(answers, this.hash), answers, isCacheable }
  }

  #answer(
    { action, target }: Question,
    principal: Principal,
    circumstances: Circumstances,
  ): { result: CheckResult; isKept: boolean } {
    // neither part of the key holds a line feed: names are encoded, the principal's key is JSON
    const key = `${action}\n${target.key}\n${principal.key}`
    const known = this.#answers.get(key)
    if (known !== undefined) return { result: known, isKept: true }
    const slice = this.#slices.get({ action, principal: principal.ref.type, database: target.database })
    const result = answerCheck({ action, principal, target, circumstances }, slice, this.#policies)
    const isError = result.outcome === 'deny' && result.cause === 'error'
    const isKept = slice.isCacheable && !isError
    if (isKept) this.#answers.set(key, result)
    return { result, isKept }
  }

  #meet(session: Session): Caller {
    const principal = buildPrincipal(session.identity, this.#catalog)
    // what the resource *is* was approved with the policy; the session's own object may be older
    const database = this.#catalog.databases.get(session.resource.name)
    const caller = { principal, database, key: `${database?.entity ?? ''}\n${principal.key}` }
    this.#callers.set(session, caller)
    return caller
  }

  #unknownResource(): Decision {
    return denied('SP_RESOURCE_UNKNOWN', 'the policy in force knows no such resource', this.hash)
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

/** What is known of a session's caller. */
interface Caller {
  readonly principal: Principal
  readonly database: CatalogDatabase | undefined
  /** Names the resource and everything that policy can see of the identity. */
  readonly key: string
}

/** A decision with the answers behind it. */
export interface Asked {
  readonly decision: Decision
  readonly answers: readonly Answered[]
  readonly isCacheable: boolean
}
