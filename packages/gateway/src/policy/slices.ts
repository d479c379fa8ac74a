/**
 * Slices: for each question the policies that could match it, and only the facts that they read. Cost grows with the actions of the
 * schema and the policies of the set on *every* request, so one schema and one policy set are preparsed per action,
 * kind of principal and database. A policy that a slice leaves out could not have matched: its scope shares no action with what is
 * above the action, or is about another type of principal, or lies in another database.
 */
import { type LeafAction, type PrincipalType, reachOf } from './actions.ts'
import { pruneRecord, type ReadTree, type RecordType } from './arguments/types.ts'
import { type Catalog, type CatalogResource, type CatalogServer, resourceOf } from './catalog.ts'
import { type ContextReads, contextReads, joinReads } from './expressions.ts'
import { isGuard, type ParsedPolicy } from './policies.ts'
import { allFacts, type FactName, formatSchemaFor } from './schema.ts'
import { type SlotContent, Slots } from './slots.ts'

/** What a slice is for. */
export interface SliceKey {
  readonly action: LeafAction
  readonly principal: PrincipalType
  /** Of `Via`: the MCP server. */
  readonly server: CatalogServer | undefined
  /** Without one it is for the boundary itself. */
  readonly root: CatalogResource | undefined
}

/** One side of a slice: the plain action's, or its approved twin's. */
export interface SliceSide {
  readonly name: string
  readonly content: SlotContent
  readonly facts: ReadonlySet<FactName>
  /** The arguments that it reads; absent when none. */
  readonly args: RecordType | undefined
}

/** The policies that can decide one kind of question. */
export interface Slice {
  readonly plain: SliceSide
  /** Absent when an approval could change nothing: no policy of the slice asks for one. */
  readonly approved?: SliceSide
  /** Whether answers may be kept: not where the time, the network or an argument decides. */
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

  /** The slice for a question. There are at most actions × kinds × resources of them, and of `Via` as many for each MCP server. */
  get(key: SliceKey): Slice {
    const name = `${key.action.name} ${key.principal} ${key.server?.entity ?? ''} ${key.root?.entity ?? ''}`
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
    const reads = readsOf(policies)
    const declared = key.action.arguments
    const args = declared === undefined || reads.args === undefined ? undefined : pruneRecord(declared, reads.args)
    const content = {
      schema: formatSchemaFor(this.#catalog, { actions: [key.action], facts: reads.facts, args }),
      policies: policyTexts(policies),
    }
    return { name: this.#slots.claim(), content, facts: reads.facts, args }
  }
}

/** Policies by id, as Cedar takes them. */
export function policyTexts(policies: readonly ParsedPolicy[]): Readonly<Record<string, string>> {
  return Object.fromEntries(policies.map((policy) => [policy.id, policy.statement.text]))
}

function isCacheable(side: SliceSide): boolean {
  return side.args === undefined && UNCACHEABLE.every((fact) => !side.facts.has(fact))
}

/** What the conditions of several policies read together. */
export function readsOf(policies: readonly ParsedPolicy[]): ContextReads {
  const facts = new Set<FactName>()
  let args: ReadTree | undefined
  for (const policy of policies) {
    const reads = contextReads(policy.conditions)
    if (reads === 'all') return { facts: allFacts, args: 'whole' }
    for (const fact of reads.facts) facts.add(fact)
    args = joinReads(args, reads.args)
  }
  return args === undefined ? { facts } : { facts, args }
}

/** The policies whose scope leaves open that they match. */
function selectPolicies(
  policies: readonly ParsedPolicy[],
  catalog: Catalog,
  key: SliceKey,
  reach: ReadonlySet<string>,
): readonly ParsedPolicy[] {
  return policies.filter(
    (policy) =>
      (policy.action.op === 'All' || policy.action.actions.some((action) => reach.has(action))) &&
      canBe(policy, catalog, key) &&
      canLieIn(policy, catalog, key.root),
  )
}

function canBe(policy: ParsedPolicy, catalog: Catalog, { principal, server }: SliceKey): boolean {
  const { op, type, entity } = policy.principal
  if (op === 'is' && type !== principal) return false
  if (op === '==' && entity?.type !== principal) return false
  // only what comes through a server is below it or below a tool of it
  if (entity?.type !== 'Server' && entity?.type !== 'Tool') return true
  return server !== undefined && resourceOf(catalog, entity.type, entity.id) === server
}

/** Whether a policy can be about something in a resource, or, without one, about the boundary. */
export function canLieIn(policy: ParsedPolicy, catalog: Catalog, root: CatalogResource | undefined): boolean {
  const { entity } = policy.resource
  if (entity === undefined) return true
  switch (entity.type) {
    case 'Boundary':
      return root === undefined
    case 'Zone':
      return root !== undefined && root.zone === entity.id
    case 'Class':
      return root?.kind === 'database'
    default:
      return root !== undefined && resourceOf(catalog, entity.type, entity.id) === root
  }
}
