import type { Decision } from '#model'
import type { Catalog } from './catalog.ts'
import { answerCheck, type CheckResult } from './check.ts'
import type { Principal } from './entities.ts'
import type { Circumstances } from './facts.ts'
import { entitiesOf, type ParsedPolicy } from './policies.ts'
import type { Question } from './questions.ts'
import { Recent } from './recent.ts'
import { Slices } from './slices.ts'
import { type Answered, joinAnswers } from './verdict.ts'

/** Answers to single checks that are kept: identities × objects in use, each some hundred bytes. */
const KEPT_ANSWERS = 20_000

/** A decision with the answers behind it. */
export interface Asked {
  readonly decision: Decision
  readonly answers: readonly Answered[]
  /** Whether the same question gets the same decision as long as the policy is in force. */
  readonly isCacheable: boolean
}

/** Answers checks from a policy set and keeps what may be kept. */
export class Answers {
  readonly #policies: ReadonlyMap<string, ParsedPolicy>
  readonly #hash: string
  readonly #slices: Slices
  readonly #kept = new Recent<CheckResult>(KEPT_ANSWERS)
  readonly #tools: ReadonlySet<string>

  constructor(policies: readonly ParsedPolicy[], catalog: Catalog, hash: string) {
    this.#policies = new Map(policies.map((policy) => [policy.id, policy]))
    this.#hash = hash
    this.#slices = new Slices(policies, catalog)
    const named = policies.flatMap(entitiesOf).filter(({ type }) => type === 'Tool')
    this.#tools = new Set(named.map(({ id }) => id))
  }

  /** Whether some policy names a tool; of what comes through the others nothing can be said that is not said of their server. */
  namesTool(entity: string): boolean {
    return this.#tools.has(entity)
  }

  /** Asks all questions and joins the answers. */
  ask(questions: readonly Question[], principal: Principal, circumstances: Circumstances): Asked {
    let isCacheable = true
    const answers: Answered[] = []
    for (const question of questions) {
      const { result, isKept } = this.#answer(question, principal, circumstances)
      isCacheable &&= isKept
      answers.push({ question, result })
    }
    return { decision: joinAnswers(answers, principal.through, this.#hash), answers, isCacheable }
  }

  #answer(
    { action, target }: Question,
    principal: Principal,
    circumstances: Circumstances,
  ): { result: CheckResult; isKept: boolean } {
    // no part of the key holds a line feed: names are encoded, the principal's key is JSON
    const key = `${action.name}\n${target.key}\n${principal.key}`
    const known = this.#kept.get(key)
    if (known !== undefined) return { result: known, isKept: true }
    const slice = this.#slices.get({
      action,
      principal: principal.ref.type,
      server: principal.server,
      root: target.root,
    })
    const result = answerCheck({ action, principal, target, circumstances }, slice, this.#policies)
    const isError = result.outcome === 'deny' && result.cause === 'error'
    const isKept = slice.isCacheable && !isError
    if (isKept) this.#kept.set(key, result)
    return { result, isKept }
  }
}
