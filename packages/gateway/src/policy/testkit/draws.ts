import fc from 'fast-check'
import type { Identity, ObjectName } from '#model'
import { sampleInput } from '../../../testkit/policy-sample.ts'
import { groups as actionGroups, type LeafAction, leaves, twinOf } from '../actions.ts'
import { buildCatalog, type Catalog, type CatalogServer } from '../catalog.ts'
import { buildBoundary, buildColumn, buildServer, buildTarget, buildTool, type Target } from '../entities.ts'

/** What there is: the vectors' boundary, and a second database with a table of the same name. */
export const catalog: Catalog = buildCatalog({
  ...sampleInput(),
  resources: [
    ...sampleInput().resources,
    { name: 'cards2', kind: 'postgres', zone: 'cde', tables: ['public.customers'] },
  ],
})

const groups = ['support', 'dba', 'contractors']
const ways = ['Tool::"ledger/refund"', 'Tool::"wiki/x"', 'Server::"ledger"', 'Server::"wiki"']
const literals = [
  'Database::"cards"',
  'Database::"cards2"',
  'Database::"hr"',
  'Schema::"cards/public"',
  'Schema::"hr/public"',
  'Table::"cards/public/orders"',
  'Table::"cards/public/cards"',
  'Table::"cards2/public/customers"',
  'Table::"hr/public/people"',
  'Data::"cards/public/cards#pan"',
  'Class::"pan"',
  'Zone::"cde"',
  'Boundary::"sallyport"',
  ...ways,
]
const tools = ['ledger/refund', 'ledger/export', 'wiki/x', 'wiki/x%2Eapproved']
const actionNames = [...Object.keys(leaves), ...tools, ...actionGroups, 'approved']

const principalScope = fc.oneof(
  fc.constant('principal'),
  fc.constantFrom('Person', 'Workload', 'Via').map((type) => `principal is ${type}`),
  fc
    .tuple(fc.constantFrom('Person', 'Workload', 'Via'), fc.constantFrom(...groups))
    .map(([type, group]) => `principal is ${type} in Group::"${group}"`),
  fc.constantFrom(...groups).map((group) => `principal in Group::"${group}"`),
  fc.constantFrom(...ways).map((way) => `principal in ${way}`),
  fc.constantFrom(...ways).map((way) => `principal is Via in ${way}`),
  fc.constantFrom(
    'principal == Person::"p1"',
    'principal in Person::"p1"',
    'principal == Workload::"ci-bot"',
    'principal in Workload::"ci-bot"',
    'principal is Via in Person::"p1"',
  ),
)
const actionName = fc
  .tuple(fc.constantFrom(...actionNames), fc.boolean())
  .map(([name, isTwin]) => `Action::"${isTwin && name !== 'approved' ? twinOf(name) : name}"`)
const actionScope = fc.oneof(
  fc.constant('action'),
  actionName.map((name) => `action == ${name}`),
  fc.array(actionName, { minLength: 1, maxLength: 3 }).map((names) => `action in [${names.join(', ')}]`),
)
const resourceScope = fc.oneof(
  fc.constant('resource'),
  fc.constantFrom('Table', 'Database', 'Boundary', 'Tool', 'Data').map((type) => `resource is ${type}`),
  fc.constantFrom(...literals).map((literal) => `resource == ${literal}`),
  fc.constantFrom(...literals).map((literal) => `resource in ${literal}`),
  fc.constantFrom(...literals).map((literal) => `resource is Table in ${literal}`),
)
const condition = fc.constantFrom(
  '',
  '',
  '',
  '',
  'when { context.mfa }',
  'unless { context has agent }',
  'when { context has agent && context.agent == Agent::"a1" }',
  'unless { action in Action::"approved" }',
  'when { resource in Zone::"cde" }',
  'when { principal in Group::"dba" }',
  'unless { principal in Tool::"ledger/refund" }',
  'when { context.net.isInRange(ip("10.0.0.0/8")) }',
  'when { context.now > datetime("2026-06-01") }',
  'when { [context].contains(context) }',
  'unless { resource in Table::"cards/public/orders" }',
  'when { context has args.amount && context.args.amount > 100 }',
  'when { context has args.amount && context.args.amount <= 100 }',
  'when { context has args.limit && context.args.limit == 9007199254740993 }',
  'unless { context has args.customer.id && context.args.customer.id == 7 }',
  'when { context.args.amount > 100 }',
)

const policyText = ([effect, principal, action, resource, clause]: readonly string[]): string =>
  `${effect} (${principal}, ${action}, ${resource}) ${clause};`
const anyPolicy = fc
  .tuple(fc.constantFrom('permit', 'permit', 'forbid'), principalScope, actionScope, resourceScope, condition)
  .map(policyText)
const callPolicy = fc
  .tuple(
    fc.constantFrom('permit', 'permit', 'forbid'),
    fc.constantFrom('principal', 'principal is Person', 'principal in Group::"support"'),
    fc.constantFrom(
      'action in Action::"callTool"',
      'action in Action::"ledger/refund"',
      'action in Action::"ledger/refund.approved"',
      'action in [Action::"ledger/export", Action::"ledger/refund"]',
    ),
    fc.constantFrom('resource', 'resource in Server::"ledger"', 'resource == Tool::"ledger/refund"'),
    condition,
  )
  .map(policyText)
/** Of those above few let through what comes by way of a tool. */
const viaPolicy = fc
  .tuple(
    fc.constantFrom('permit', 'permit', 'forbid'),
    fc.constantFrom('principal is Via', ...ways.map((way) => `principal is Via in ${way}`)),
    fc.oneof(fc.constant('action'), actionScope),
    fc.oneof(fc.constant('resource'), resourceScope),
    condition,
  )
  .map(policyText)

/** A policy, right or wrong, without an id. */
export const drawnPolicy: fc.Arbitrary<string> = fc.oneof(anyPolicy, callPolicy, viaPolicy)

/** A ban that the linter has nothing against. */
export const drawnBan: fc.Arbitrary<string> = fc
  .tuple(
    fc.oneof(
      fc.constant('principal'),
      fc.constantFrom(...groups).map((group) => `principal in Group::"${group}"`),
      fc.constantFrom('principal in Person::"p1"', 'principal in Workload::"ci-bot"'),
    ),
    fc.oneof(
      fc.constant('action'),
      fc
        .array(fc.constantFrom(...actionNames.filter((name) => name !== 'approved')), { minLength: 1, maxLength: 3 })
        .map((names) => `action in [${names.map((name) => `Action::"${name}"`).join(', ')}]`),
    ),
    fc.oneof(
      fc.constant('resource'),
      fc.constantFrom('Table', 'Database', 'Tool', 'Data').map((type) => `resource is ${type}`),
      fc.constantFrom(...literals).map((literal) => `resource in ${literal}`),
      fc.constantFrom(...literals).map((literal) => `resource is Table in ${literal}`),
    ),
    fc.constantFrom(
      '',
      '',
      'when { context.mfa }',
      'unless { context has agent }',
      'when { resource in Zone::"cde" }',
      'when { principal in Group::"dba" }',
      'unless { principal in Group::"support" }',
      'unless { resource in Table::"cards/public/orders" }',
    ),
  )
  .map(([principal, action, resource, clause]) => `forbid (${principal}, ${action}, ${resource}) ${clause};`)

/** A person or workload. */
export const drawnIdentity: fc.Arbitrary<Identity> = fc
  .tuple(
    fc.boolean(),
    fc.subarray(groups),
    fc.boolean(),
    fc.constantFrom(undefined, 'a1', 'a2'),
    fc.constantFrom('p1', 'ci-bot'),
  )
  .map(([isPerson, inGroups, mfa, agent, id]) => {
    const shared = { id, issuer: 'i', subject: id, name: id, groups: inGroups }
    const acting = agent === undefined ? {} : { agent: { id: agent, name: agent } }
    return isPerson
      ? { ...shared, ...acting, kind: 'person', mfa }
      : { ...shared, ...acting, kind: 'workload', mfa: false }
  })

/** A way through an MCP server, or none. */
export const drawnWay: fc.Arbitrary<{ readonly server: string; readonly tool?: string } | undefined> = fc.constantFrom(
  undefined,
  { server: 'ledger' },
  { server: 'ledger', tool: 'refund' },
  { server: 'wiki', tool: 'x' },
)

/** Arguments of a call, as some tools take them. */
const argumentsOf: Readonly<Record<string, readonly string[]>> = {
  'ledger/refund': ['{"amount":5,"currency":"EUR"}', '{"amount":500,"currency":"EUR","note":"n"}'],
  'ledger/export': [
    '{"rate":1,"dry":true,"limit":9007199254740993}',
    '{"rate":1,"dry":true,"limit":9007199254740992,"customer":{"id":7,"note":null}}',
  ],
  'ledger/run_report': ['{"name":"n","amount":500}'],
}

type SqlObject = Exclude<ObjectName, { kind: 'tool' }>
const table = (schema: string, name: string): SqlObject => ({ kind: 'table', schema, name })
const objects: readonly SqlObject[] = [
  { kind: 'database' },
  { kind: 'schema', schema: 'public' },
  table('public', 'orders'),
  table('public', 'cards'),
  table('public', 'customers'),
  table('public', 'people'),
  table('public', 'newer'),
  { kind: 'function', schema: 'public', name: 'f' },
]

/** An action on something that it applies to. */
export interface DrawnQuestion {
  readonly action: LeafAction
  readonly target: Target
  /** Of a call: its arguments. */
  readonly text?: string
}

const onServers = (server: CatalogServer): readonly DrawnQuestion[] => [
  { action: leaves.open, target: buildServer(server) },
  ...[...server.tools.values()].flatMap((tool) => [
    { action: leaves.listTool, target: buildTool(tool, server) },
    ...(argumentsOf[tool.entity] ?? ['{}']).map((text) => ({
      action: tool.action,
      target: buildTool(tool, server),
      text,
    })),
  ]),
]
const onDatabases = [...catalog.databases.values()].flatMap((database) => {
  const targets = [
    ...objects.map((object) => buildTarget(object, database)),
    ...[...database.columns.values()].flat().map((column) => buildColumn(column, 'computed', database)),
  ]
  return Object.values(leaves).flatMap((action) =>
    targets
      .filter(({ ref }) => action.resources.some((type) => type === ref.type))
      .map((target) => ({ action, target })),
  )
})
const onBoundary = Object.values(leaves)
  .filter(({ resources }) => resources.includes('Boundary'))
  .map((action) => ({ action, target: buildBoundary(catalog) }))

/** A question about a database. */
export const drawnSqlQuestion: fc.Arbitrary<DrawnQuestion> = fc.constantFrom(...onDatabases)
/** A question about anything. */
export const drawnQuestion: fc.Arbitrary<DrawnQuestion> = fc.oneof(
  { arbitrary: drawnSqlQuestion, weight: 2 },
  { arbitrary: fc.constantFrom(...[...catalog.servers.values()].flatMap(onServers)), weight: 2 },
  fc.constantFrom(...onBoundary),
)
