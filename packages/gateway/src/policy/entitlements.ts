/**
 * Who may do what: from each permit's scope one row for each action that it reaches. For people who review access, not for deciding.
 */
import { formatNeed } from '#model'
import type { LeafAction } from './actions.ts'
import { type Catalog, type CatalogServer, resourceOf, toolByEntity } from './catalog.ts'
import type { Entitlement, EntitlementApproval, EntitlementSubject } from './entitlement.ts'
import { entityLiteral, type EntityRef, isVariable, operandOf, toNode } from './expressions.ts'
import { conditionsText } from './parts.ts'
import { isGuard, type ParsedPolicy } from './policies.ts'
import { actionReach, covers, hasConditions, mayReach, type ResourceReach, resourceReach } from './reach.ts'
import { placeAt } from './source.ts'

/** A row with the policy behind it. */
interface Row {
  readonly permit: ParsedPolicy
  readonly entitlement: Entitlement
}

/** The entitlements of a subject, sorted by who, on what and which action. */
export function listEntitlements(
  subject: EntitlementSubject,
  policies: readonly ParsedPolicy[],
  catalog: Catalog,
): readonly Entitlement[] {
  const rows = policies
    .filter(({ effect }) => effect === 'permit')
    .flatMap((permit) => rowsOf(permit, relevantBans(subject, policies), catalog))
  return selectRows(subject, rows, catalog)
    .map(({ entitlement }) => entitlement)
    .toSorted(compareEntitlements)
}

function compareEntitlements(a: Entitlement, b: Entitlement): number {
  for (const key of ['principal', 'resource', 'action', 'policy'] as const)
    if (a[key] !== b[key]) return a[key] < b[key] ? -1 : 1
  return 0
}

function rowsOf(permit: ParsedPolicy, forbids: readonly ParsedPolicy[], catalog: Catalog): readonly Row[] {
  const rows: Row[] = []
  for (const leaf of catalog.actions.values()) {
    const reach = actionReach(permit, leaf)
    const permitted = resourceReach(permit, leaf)
    if (reach === 'none' || permitted.types.length === 0 || !canAct(permit, leaf)) continue
    const reaching = forbids.filter((forbid) => mayReach(forbid, leaf, permitted, catalog))
    rows.push({
      permit,
      entitlement: toEntitlement({ permit, leaf, permitted, isHeld: reach === 'approved', reaching }, catalog),
    })
  }
  return rows
}

function canAct({ principal: { type, entity } }: ParsedPolicy, leaf: LeafAction): boolean {
  const kind = type ?? entity?.type
  return kind === undefined || leaf.principals.some((principal) => principal === kind)
}

/** What a row is made from. */
interface RowParts {
  readonly permit: ParsedPolicy
  readonly leaf: LeafAction
  readonly permitted: ResourceReach
  readonly isHeld: boolean
  readonly reaching: readonly ParsedPolicy[]
}

function toEntitlement({ permit, leaf, permitted, isHeld, reaching }: RowParts, catalog: Catalog): Entitlement {
  const { annotations, file, statement } = permit
  const guards = reaching.filter(isGuard)
  const resource =
    permitted.entity === undefined ? undefined : resourceOf(catalog, permitted.entity.type, permitted.entity.id)
  const reviewed = annotations.get('reviewed')
  const conditions = conditionsText(permit)
  const isAlways = isHeld || guards.some((guard) => covers(guard, permitted, catalog))
  return {
    policy: permit.id,
    file: file.name,
    line: placeAt(file.text, statement.start).line,
    ...principalFacts(permit, catalog),
    action: leaf.name,
    resource: describeReach(permitted),
    ...(resource === undefined ? {} : { resourceName: resource.name }),
    ...(resource?.zone === undefined ? {} : { zone: resource.zone }),
    ...(conditions === '' ? {} : { conditions }),
    approval: isAlways ? 'always' : guards.length > 0 ? 'sometimes' : 'never',
    approvals: [...(isHeld ? [permit] : []), ...guards].map((policy) => toApproval(policy)),
    bans: reaching.filter((forbid) => !isGuard(forbid)).map(({ id }) => id),
    need: annotations.get('need') ?? '',
    owner: annotations.get('owner') ?? '',
    ...(typeof reviewed === 'string' ? { reviewed } : {}),
  }
}

function toApproval(policy: ParsedPolicy): EntitlementApproval {
  const approvers = policy.approvers === undefined ? '' : formatNeed(policy.approvers)
  const isConditional = policy.effect === 'forbid' && hasConditions(policy)
  return { policy: policy.id, approvers, ...(isConditional ? { conditions: conditionsText(policy) } : {}) }
}

type PrincipalFacts = Pick<Entitlement, 'principal' | 'principalKind' | 'group' | 'identityId' | 'server' | 'tool'>

function principalFacts({ principal: { op, type, entity } }: ParsedPolicy, catalog: Catalog): PrincipalFacts {
  if (type === 'Via') return viaFacts(entity, catalog)
  const kind = (type ?? entity?.type) === 'Workload' ? 'workload' : 'person'
  if (op === '==' && entity !== undefined)
    return { principal: `${kind} ${entity.id}`, principalKind: kind, identityId: entity.id }
  if (entity === undefined) return { principal: `every ${kind}`, principalKind: kind }
  return { principal: `${kind}s in ${entity.id}`, principalKind: kind, group: entity.id }
}

function viaFacts(entity: EntityRef | undefined, catalog: Catalog): PrincipalFacts {
  const server = entity === undefined ? undefined : resourceOf(catalog, entity.type, entity.id)
  if (server?.kind !== 'server' || entity === undefined)
    return { principal: 'SQL through any tool', principalKind: 'via' }
  const tool = entity.type === 'Tool' ? toolByEntity(server, entity.id) : undefined
  const principal =
    tool === undefined ? `SQL through any tool of ${server.name}` : `SQL through ${server.name}/${tool.name}`
  return { principal, principalKind: 'via', server: server.name, ...(tool === undefined ? {} : { tool: tool.name }) }
}

/** `table cards/public/orders`; `database cards and every schema, table, function in it`; `every table in schema cards/public`. */
function describeReach({ entity, types }: ResourceReach): string {
  if (entity === undefined) return `every ${types.map(toWord).join(', ')}`
  const own = `${toWord(entity.type)} ${entity.id}`
  const below = types.filter((type) => type !== entity.type).map(toWord)
  if (below.length === 0) return own
  return below.length < types.length
    ? `${own} and every ${below.join(', ')} in it`
    : `every ${below.join(', ')} in ${own}`
}

function toWord(type: string): string {
  return type === 'Data' ? 'declared column' : type.toLowerCase()
}

/** The bans and guards that can reach the subject at all. */
function relevantBans(subject: EntitlementSubject, policies: readonly ParsedPolicy[]): readonly ParsedPolicy[] {
  const forbids = policies.filter(({ effect }) => effect === 'forbid')
  if (subject.kind !== 'identity') return forbids
  const { kind, id, groups } = subject.identity
  return forbids.filter(({ principal: { entity } }) => {
    if (entity?.type === 'Group') return groups.includes(entity.id)
    if (entity?.type === 'Person' || entity?.type === 'Workload')
      return entity.id === id && entity.type.toLowerCase() === kind
    return true
  })
}

function selectRows(subject: EntitlementSubject, rows: readonly Row[], catalog: Catalog): readonly Row[] {
  switch (subject.kind) {
    case 'all':
      return rows
    case 'tool':
      return rows.filter((row) => isAboutTool(row, subject, catalog))
    case 'identity': {
      const own = rows.filter((row) => isFor(row, subject.identity))
      const reached = new Set(own.map(({ entitlement }) => entitlement.action))
      const servers = [...catalog.servers.values()].filter((server) => isReached(server, reached, own))
      const through = rows.filter(
        (row) => isThrough(row, reached, servers) && meetsGroups(row.permit, subject.identity.groups),
      )
      return [...own, ...through]
    }
  }
}

function isAboutTool(
  { entitlement, permit }: Row,
  { server, tool }: { readonly server: string; readonly tool: string },
  catalog: Catalog,
): boolean {
  const known = catalog.servers.get(server)?.tools.get(tool)
  if (known === undefined) return false
  if (entitlement.principalKind === 'via')
    return entitlement.server === server && (entitlement.tool === undefined || entitlement.tool === tool)
  if (entitlement.action === known.entity) return true
  if (entitlement.resourceName !== server || !['open', 'listTool'].includes(entitlement.action)) return false
  return permit.resource.entity?.type !== 'Tool' || permit.resource.entity.id === known.entity
}

type Who = Pick<EntitlementSubject & { kind: 'identity' }, 'identity'>['identity']

function isFor({ entitlement, permit }: Row, { kind, id, groups }: Who): boolean {
  if (entitlement.principalKind !== kind) return false
  if (entitlement.identityId !== undefined) return entitlement.identityId === id
  return (entitlement.group === undefined || groups.includes(entitlement.group)) && meetsGroups(permit, groups)
}

/** A server's start-up queries come in the name of whoever may open it. */
function isReached(server: CatalogServer, reached: ReadonlySet<string>, own: readonly Row[]): boolean {
  return (
    [...server.tools.values()].some(({ entity }) => reached.has(entity)) ||
    own.some(({ entitlement }) => entitlement.action === 'open' && entitlement.resourceName === server.name)
  )
}

function isThrough(
  { entitlement, permit }: Row,
  reached: ReadonlySet<string>,
  servers: readonly CatalogServer[],
): boolean {
  if (entitlement.principalKind !== 'via') return false
  if (entitlement.tool === undefined) return servers.some(({ name }) => name === entitlement.server)
  return reached.has(permit.principal.entity?.id ?? '')
}

/** Whether somebody in these groups is in every group that the conditions ask for outright (`when { principal in Group::"…" && … }`). */
function meetsGroups({ conditions }: ParsedPolicy, groups: readonly string[]): boolean {
  const asked = conditions.flatMap(({ kind, body }) => (kind === 'when' ? conjunctsOf(body) : []))
  return asked.every((body) => {
    const node = toNode(body)
    if (node?.operator !== 'in' || !isVariable(operandOf(node, 'left'), 'principal')) return true
    const group = entityLiteral(operandOf(node, 'right'))
    return group?.type !== 'Group' || groups.includes(group.id)
  })
}

function conjunctsOf(body: unknown): readonly unknown[] {
  const open: unknown[] = [body]
  const found: unknown[] = []
  while (open.length > 0) {
    const next = open.pop()
    const node = toNode(next)
    if (node?.operator === '&&') open.push(operandOf(node, 'left'), operandOf(node, 'right'))
    else found.push(next)
  }
  return found
}
