/**
 * Slices: for each question the policies that could match it, and only the facts that they read. Cost grows with the actions of the
 * schema and the policies of the set on *every* request (`policy.md` §9), so one schema and one policy set are preparsed per action,
 * kind of principal and database. A policy that a slice leaves out could not have matched: its scope shares no action with what is
 * above the action, or is about another type of principal, or lies in another database.
 */
import { type LeafAction, reachOf } from './actions.ts'
import { type Catalog, type CatalogDatabase, databaseOf } from './catalog.ts'
import { factsRead } from './expressions.ts'
import { isGuard, type ParsedPolicy } from './policies.ts'
import { allFacts, type FactName, formatSchemaFor } from './schema.ts'
import { type SlotContent, Slots } from './slots.ts'

/** The two kinds of principal. */
export type PrincipalType = 'Person' | 'Workload'

/** What a slice is for; without a database it is for the boundary itself. */
export interface SliceKey {
  readonly action: LeafAction
  readonly principal: PrincipalType
  readonly database: CatalogDatabase | undefined
}

/** One side of a slice: the plain action's, or its approved twin's. */
export interface SliceSide {
  readonly name: string
  readonly content: SlotContent
  readonly facts: ReadonlySet<FactName>
}

/** The policies that can decide one kind of question. */
export interface Slice {
  readonly plain: SliceSide
  /** Absent when an approval could change nothing: no policy of the slice asks for one. */
  readonly approved?: SliceSide
  /** Whether answers may be kept: not where the time or the network decides. */
  readonly isCacheable: boolean
}

const UNCACHEABLE: readonly FactName[] = ['now', 'net']

/** Makes slices when they are first asked for and keeps them. */
export class Slices {
  readonly #policies: readonly ParsedPolicy[]
  readonly #catalog: Catalog
  readonly #slots = new Slots()
  readonly #made = new Map<string, Slice>()

  constructor(policies: readonly ParsedPolicy[], catalog: Catalog) {
    this.#policies = policies
    this.#catalog = catalog
  }

  /** The slice for a question. There are at most actions × kinds × databases of them. */
  get(key: SliceKey): Slice {
    const name = `${key.action} ${key.principal} ${key.database?.entity ?? ''}`
    const known = this.#made.get(name)
    if (known !== undefined) return known
    const slice = this.#make(key)
    this.#made.set(name, slice)
    return slice
  }

  #make(key: SliceKey): Slice {
    const plainPolicies = selectPolicies(this.#policies, this.#catalog, key, reachOf(key.action, false))
    const plain = this.#makeSide(key, plainPolicies)
    const approvedPolicies = selectPolicies(this.#policies, this.#catalog, key, reachOf(key.action, true))
    const asksForApproval = approvedPolicies.some(
      (policy) => isGuard(policy) || (policy.effect === 'permit' && !plainPolicies.includes(policy)),
    )
    if (!asksForApproval) return { plain, isCacheable: isCacheable(plain) }
    const approved = this.#makeSide(key, approvedPolicies)
    return { plain, approved, isCacheable: isCacheable(plain) && isCacheable(approved) }
  }

  #makeSide(key: SliceKey, policies: readonly ParsedPolicy[]): SliceSide {
    const facts = factsOf(policies)
    const content = {
      schema: formatSchemaFor(this.#catalog, { actions: [key.action], facts }),
      policies: policyTexts(policies),
    }
    return { name: this.#slots.claim(), content, facts }
  }
}

/** Policies by id, as Cedar takes them. */
export function policyTexts(policies: readonly ParsedPolicy[]): Readonly<Record<string, string>> {
  return Object.fromEntries(policies.map((policy) => [policy.id, policy.statement.text]))
}

function isCacheable(side: SliceSide): boolean {
  return UNCACHEABLE.every((fact) => !side.facts.has(fact))
}

function factsOf(policies: readonly ParsedPolicy[]): ReadonlySet<FactName> {
  const facts = new Set<FactName>()
  for (const policy of policies) {
    const read = factsRead(policy.conditions)
    if (read === 'all') return allFacts
    for (const fact of read) facts.add(fact)
  }
  return facts
}

/** The policies whose scope leaves open that they match. */
function selectPolicies(
  policies: readonly ParsedPolicy[],
  catalog: Catalog,
  key: Pick<SliceKey, 'database'> & { readonly principal?: PrincipalType },
  reach: ReadonlySet<string>,
): readonly ParsedPolicy[] {
  return policies.filter(
    (policy) =>
      (policy.action.op === 'All' || policy.action.actions.some((action) => reach.has(action))) &&
      (key.principal === undefined || canBe(policy, key.principal)) &&
      canLieIn(policy, catalog, key.database),
  )
}

function canBe(policy: ParsedPolicy, principal: PrincipalType): boolean {
  const { op, type, entity } = policy.principal
  if (op === 'is') return type === principal
  return op !== '==' || entity?.type === principal
}

/** Whether a policy can be about something in a database, or, without one, about the boundary. */
export function canLieIn(policy: ParsedPolicy, catalog: Catalog, database: CatalogDatabase | undefined): boolean {
  const { entity } = policy.resource
  if (entity === undefined) return true
  if (entity.type === 'Boundary') return database === undefined
  if (entity.type === 'Zone') return database !== undefined && database.zone === entity.id
  return database !== undefined && databaseOf(catalog, entity.id) === database
}
