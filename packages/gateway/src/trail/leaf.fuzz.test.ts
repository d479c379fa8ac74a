import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import canonicalize from 'canonicalize'
import fc from 'fast-check'
import { canonicalJson, formatRef, type Json, type JsonObject } from '#base'
import type {
  Access,
  ApprovalLink,
  DecidedShape,
  Decision,
  Identity,
  Outcome,
  RecordedVia,
  Scrubber,
  Session,
  TrailEvent,
} from '#model'
import { ENTITY_TYPES, EVENT_CLASSES } from './activities.ts'
import { MAX_LEAF_BYTES } from './bounds.ts'
import { type Item, ItemMaker } from './items.ts'
import { lifecycleFacts, productFacts } from './lifecycle-facts.ts'
import { completionFacts } from './open-intents.ts'
import { deriveItems } from './testkit/derive.ts'
import { ORIGIN, VERSION } from './testkit/samples.ts'

/** Every leaf is compared with two implementations and a schema, and many are long: fewer runs than parsers get. */
const RUNS = Math.max(100, Number(process.env['SALLYPORT_FUZZ_RUNS'] ?? 100_000) / 400)

const schemaFile = join(import.meta.dirname, '../../../../docs/spec/record.schema.json')
const schema = JSON.parse(readFileSync(schemaFile, 'utf8')) as JsonObject
const isRecord = new Ajv2020({ allErrors: false, strict: true, strictRequired: false, allowUnionTypes: true }).compile(
  schema,
)

/** Nothing is a card number here: what a leaf says must be what was given. */
const leaveAll: Scrubber = { scrub: (bytes) => bytes, scrubText: (text) => text }
const maker = new ItemMaker(leaveAll, productFacts(VERSION))

/** Checks one leaf against RFC 8785 by two other implementations, the schema, and the bound. */
function checkLeaf(leaf: string): JsonObject {
  const parsed = JSON.parse(leaf) as JsonObject
  assert.equal(leaf, canonicalize(parsed))
  assert.equal(leaf, canonicalJson(parsed))
  assert.ok(Buffer.byteLength(leaf) <= MAX_LEAF_BYTES, `${Buffer.byteLength(leaf)} bytes`)
  assert.ok(isRecord(parsed), `${JSON.stringify(isRecord.errors?.slice(0, 3))} in ${leaf.slice(0, 2_000)}`)
  return parsed
}

/** Every link that was given is in the leaf, or the leaf says that it was cut. */
function checkLinks(
  unmapped: JsonObject,
  { via, approval: under }: { readonly via?: RecordedVia; readonly approval?: ApprovalLink },
  who: Session,
): void {
  const cut = (unmapped['truncated'] ?? []) as readonly string[]
  const expected = (numbers: readonly number[]): Json => numbers.map((index) => ({ index, origin: ORIGIN }))
  assert.deepEqual(
    unmapped['via'],
    who.via === undefined
      ? undefined
      : { child: who.via.childId, server: who.via.server, ...(via?.tool === undefined ? {} : { tool: via.tool }) },
  )
  const caused = unmapped['caused_by'] as JsonObject | undefined
  assert.equal(caused?.['kind'], via?.cause)
  if (via !== undefined && !cut.includes('caused_by')) assert.deepEqual(caused?.['records'], expected(via.calls))
  const approved = unmapped['approval'] as JsonObject | undefined
  assert.equal(approved?.['request'], under?.request)
  if (under === undefined) return
  if (!cut.includes('approval')) assert.deepEqual(approved?.['records'], expected(under.records))
  if (!cut.includes('approvers')) assert.deepEqual(approved?.['approvers'], under.approvers)
}

const anyText = fc.string({ unit: 'binary', maxLength: 40 }).map((text) => text.toWellFormed())
const longText = fc.oneof(
  anyText,
  fc.nat(9_000).map((length) => '\u0001é"'.repeat(length)),
)
const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }).map((text) => text.toWellFormed())
const count = fc.maxSafeNat()
const digest = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 64, maxLength: 64 })
const manyNames = fc.oneof(
  fc.array(anyText, { maxLength: 4 }),
  fc.nat(800).map((length) => Array.from({ length }, (_, at) => `group \u0002 ${at}`)),
)

const agent = fc.option(fc.record({ id: name, name }), { nil: undefined })
const identity: fc.Arbitrary<Identity> = fc
  .tuple(fc.record({ id: name, issuer: name, subject: name, name, groups: manyNames }), agent, fc.boolean())
  .map(([facts, by, isPerson]) => ({
    ...facts,
    ...(isPerson ? { kind: 'person' as const, mfa: true } : { kind: 'workload' as const, mfa: false as const }),
    ...(by === undefined ? {} : { agent: by }),
  }))

const way = fc.record({ server: name, childId: name }).map((facts) => ({ ...facts, tools: [], running: () => [] }))

const session: fc.Arbitrary<Session> = fc
  .record({
    id: name,
    identity,
    resource: fc.oneof(
      fc.record({ name, kind: fc.constant('postgres' as const), tables: fc.constant([]) }),
      fc.record({ name, kind: fc.constant('mcp' as const), tools: fc.constant([]) }),
    ),
    via: fc.option(way, { nil: undefined }),
    tokenId: name,
    grantId: name,
    startedAtMs: fc.double({ min: 0, max: 4e12, noNaN: true }),
    endsAtMs: count,
    client: fc.record({ address: name, port: fc.nat(65_535), tls: fc.boolean() }),
    zone: fc.option(name, { nil: undefined }),
  })
  .map(({ zone, via, ...rest }) => ({
    ...rest,
    resource: zone === undefined ? rest.resource : { ...rest.resource, zone },
    ...(via === undefined ? {} : { via }),
  }))

const references = fc.oneof(
  fc.array(count, { maxLength: 3 }),
  fc.nat(300).map((length) => Array.from({ length }, (_, at) => at)),
)

/** The way of an operation, but for what the session says of it. */
const cause = fc.oneof(
  fc.constant({ cause: 'none' as const, calls: [] }),
  fc.record({ cause: fc.constant('exact' as const), tool: name, calls: fc.tuple(count) }),
  fc.record({ cause: fc.constant('one-of' as const), calls: references.filter(({ length }) => length > 0) }),
)

const approval: fc.Arbitrary<ApprovalLink> = fc.record({
  request: name,
  binding: name,
  records: references,
  approvers: fc.oneof(
    fc.array(name, { maxLength: 3 }),
    fc.nat(300).map((length) => Array.from({ length }, (_, at) => `person ${at}`)),
  ),
})

interface Links {
  readonly cause: Pick<RecordedVia, 'cause' | 'calls' | 'tool'> | undefined
  readonly approval: ApprovalLink | undefined
}

/** What links an operation to others, as far as its session allows. */
const links: fc.Arbitrary<Links> = fc.record({
  cause: fc.option(cause, { nil: undefined }),
  approval: fc.option(approval, { nil: undefined }),
})

function linksOf({ via }: Session, given: Links): { readonly via?: RecordedVia; readonly approval?: ApprovalLink } {
  return {
    ...(via === undefined || given.cause === undefined
      ? {}
      : { via: { server: via.server, childId: via.childId, ...given.cause } }),
    ...(given.approval === undefined ? {} : { approval: given.approval }),
  }
}

const access: fc.Arbitrary<Access> = fc
  .record({
    effect: fc.constantFrom(
      'select',
      'insert',
      'update',
      'delete',
      'truncate',
      'ddl',
      'call',
      'setSetting',
      'callTool',
    ),
    object: fc.oneof(
      fc.record({ kind: fc.constant('table' as const), schema: anyText, name: anyText }),
      fc.record({ kind: fc.constant('schema' as const), schema: anyText }),
      fc.record({ kind: fc.constant('function' as const), schema: anyText, name: anyText }),
      fc.record({ kind: fc.constant('setting' as const), name: anyText }),
      fc.constant({ kind: 'database' as const }),
      fc.record({ kind: fc.constant('tool' as const), name: longText }),
    ),
    columns: fc.option(manyNames, { nil: undefined }),
    computed: fc.option(fc.oneof(manyNames, fc.constant('*' as const)), { nil: undefined }),
    unnamed: fc.option(fc.oneof(fc.array(anyText, { maxLength: 2 }), fc.constant('*' as const)), { nil: undefined }),
  })
  .map(({ columns, computed, unnamed, ...rest }) => ({
    ...rest,
    ...(columns === undefined ? {} : { columns }),
    ...(computed === undefined ? {} : { computed }),
    ...(unnamed === undefined ? {} : { unnamed }),
  }))

const decision: fc.Arbitrary<Decision> = fc
  .record({
    outcome: fc.constantFrom('allow', 'deny', 'hold'),
    policies: manyNames,
    policyHash: digest,
    reason: fc.option(longText, { nil: undefined }),
    code: fc.constantFrom('SP_POLICY_FORBIDDEN' as const, undefined),
    need: fc.option(longText, { nil: undefined }),
  })
  .map(({ reason, code, need, ...rest }) => ({
    ...rest,
    ...(need === undefined || rest.outcome !== 'hold' ? {} : { need }),
    ...(reason === undefined ? {} : { reason }),
    ...(code === undefined || rest.outcome !== 'deny' ? {} : { code }),
  }))

const decided: fc.Arbitrary<DecidedShape> = fc
  .record({
    verb: fc.oneof(
      name,
      fc.constantFrom(
        'SELECT',
        'CREATE TABLE',
        'alter table',
        'MERGE',
        'BEGIN',
        '__proto__',
        'tools/call',
        'tools/list',
      ),
    ),
    accesses: fc.array(access, { maxLength: 12 }),
    incomplete: fc.option(longText, { nil: undefined }),
    template: longText,
    fingerprint: digest,
    definition: fc.option(digest, { nil: undefined }),
    decision,
  })
  .map(({ decision: answer, incomplete, definition, ...shape }) => ({
    shape: {
      ...shape,
      ...(incomplete === undefined ? {} : { incomplete }),
      ...(definition === undefined ? {} : { definition }),
    },
    decision: answer,
  }))

const outcome: fc.Arbitrary<Outcome> = fc
  .record({
    status: fc.constantFrom('success', 'error', 'refused', 'skipped', 'cancelled', 'masking-refused', 'lost'),
    errorCode: fc.option(fc.string({ unit: 'binary' }), { nil: undefined }),
    rows: fc.oneof(count, fc.double()),
    bytes: fc.oneof(count, fc.double()),
    durationMs: fc.double(),
    digest: fc.option(fc.oneof(digest, fc.constant('none')), { nil: undefined }),
    request: fc.option(fc.oneof(fc.nat().map(formatRef), fc.string({ unit: 'binary' })), { nil: undefined }),
    masking: fc.option(
      fc.record({
        ruleset: fc.string({ unit: 'binary' }),
        columns: fc.oneof(
          fc.array(fc.record({ name: fc.string({ unit: 'binary' }), rule: name, seen: count, masked: fc.double() }), {
            maxLength: 5,
          }),
          fc
            .nat(2_000)
            .map((length) => Array.from({ length }, (_, at) => ({ name: `c${at}`, rule: 'x', seen: at, masked: 0 }))),
        ),
      }),
      { nil: undefined },
    ),
  })
  .map(({ errorCode, digest: hash, request, masking, ...rest }) => ({
    ...rest,
    ...(errorCode === undefined ? {} : { errorCode }),
    ...(hash === undefined ? {} : { digest: hash }),
    ...(request === undefined ? {} : { request }),
    ...(masking === undefined ? {} : { masking }),
  }))

const timeMs = fc.double({ min: 0, max: 8e15, noNaN: true })

test('a leaf in which everything is as long as it may be is within its bound', () => {
  // What JSON makes the most bytes of, in names that are still taken.
  const word = (bytes: number): string => '\u0001'.repeat(Math.floor(bytes / 6))
  const full = word(1_022)
  const list = (length: number): string[] => Array.from({ length }, () => full)
  const via = { server: full, childId: full, tools: [], running: () => [] }
  const person = { kind: 'person', id: full, issuer: full, subject: '', name: '', groups: list(99), mfa: true } as const
  const numbers = Array.from({ length: 99 }, (_, at) => 2 ** 52 + at)
  for (const resource of [
    { kind: 'postgres', name: full, zone: full, tables: [] },
    { kind: 'mcp', name: full, zone: full, tools: [] },
  ] as const) {
    const intent = maker.record({
      kind: 'intent',
      timeMs: 4e12,
      session: {
        id: full,
        identity: { ...person, agent: { id: full, name: full } },
        resource,
        tokenId: full,
        grantId: full,
        startedAtMs: 4e12,
        endsAtMs: 4e12,
        client: { address: full, port: 65_535, tls: false },
        via,
      },
      decided: {
        shape: {
          verb: full,
          accesses: list(99).map((tool) => ({ effect: 'callTool', object: { kind: 'tool', name: tool } })),
          incomplete: word(99_999),
          template: word(99_999),
          fingerprint: full,
          definition: full,
        },
        decision: {
          outcome: 'hold',
          policies: list(99),
          policyHash: full,
          need: word(99_999),
          reason: word(99_999),
        },
      },
      via: { server: full, childId: full, cause: 'one-of', calls: numbers, tool: full },
      approval: { request: full, records: numbers, approvers: list(99), binding: full },
      payload: Buffer.from('{}'),
    })
    const [record] = deriveItems([intent], 2 ** 52)
    assert.ok(record !== undefined)
    const { truncated } = checkLeaf(record.leaf)['unmapped'] as JsonObject
    const cut = ['accesses', 'approval', 'approvers', 'caused_by', 'groups', 'incomplete', 'need', 'policies', 'reason']
    assert.deepEqual(truncated, [...cut, ...(resource.kind === 'mcp' ? ['operation'] : []), 'template'].sort())
  }
})

test('the leaf of every intent and outcome is canonical, valid and within its bound', () => {
  fc.assert(
    fc.property(fc.tuple(session, links), decided, outcome, timeMs, count, ([who, given], what, how, when, index) => {
      const intent = maker.record({
        kind: 'intent',
        timeMs: when,
        session: who,
        decided: what,
        payload: Buffer.from('{}'),
        ...linksOf(who, given),
      })
      assert.ok(intent.kind === 'intent')
      const entry = { kind: 'outcome' as const, timeMs: when, intent: index, outcome: how }
      const [first, second] = deriveItems([intent, maker.outcome(entry, intent, 0)], Math.min(index, 2 ** 52))
      assert.ok(first?.opens !== undefined && second !== undefined)
      const leaf = checkLeaf(first.leaf)
      checkLeaf(second.leaf)
      const { resource } = who
      assert.equal(leaf['class_uid'], resource.kind === 'mcp' ? 6003 : 6005)
      const asked = (resource.kind === 'mcp' ? leaf['unmapped'] : leaf['query_info']) as JsonObject
      assert.equal(resource.kind === 'mcp' ? asked['fingerprint'] : asked['uid'], what.shape.fingerprint)
      checkLinks(leaf['unmapped'] as JsonObject, linksOf(who, given), who)
      if (who.identity.kind === 'person')
        assert.equal(
          JSON.stringify(leaf).includes(`"name":${JSON.stringify(who.identity.name)},"type":"person"`),
          false,
        )
      const completion: Item = maker.own(completionFacts(first.opens), when)
      const [third] = deriveItems([completion], 7)
      assert.ok(third?.closes === first.opens.index)
      checkLeaf(third.leaf)
    }),
    { numRuns: RUNS },
  )
})

const details: fc.Arbitrary<JsonObject> = fc.dictionary(
  fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }).map((text) => text.toWellFormed()),
    fc.constantFrom('reason', 'comment', '__proto__', '1', '10', '2'),
  ),
  fc.oneof(
    longText,
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.constant(null),
    fc.array(anyText),
    fc.dictionary(anyText, fc.maxSafeInteger()),
  ) as fc.Arbitrary<Json>,
  { maxKeys: 6 },
)

const eventKinds = Object.entries(EVENT_CLASSES).flatMap(([kind, { activities }]) =>
  Object.keys(activities).map((activity) => ({ class: kind as TrailEvent['class'], activity })),
)

const event: fc.Arbitrary<TrailEvent> = fc
  .record({
    kind: fc.constantFrom(...eventKinds),
    actor: identity,
    session: fc.option(session, { nil: undefined }),
    client: fc.record({ address: name, port: fc.nat(65_535) }),
    resource: fc.option(name, { nil: undefined }),
    status: fc.constantFrom('success', 'failure'),
    code: fc.option(fc.constantFrom('SP_AUTH_TOKEN_EXPIRED'), { nil: undefined }),
    details,
    entity: fc.record({ type: fc.constantFrom(...ENTITY_TYPES), uid: name, name, version: name }),
  })
  .map(({ kind, session: within, resource, code, details: facts, entity, ...rest }) => ({
    ...rest,
    ...kind,
    ...(within === undefined ? {} : { session: within }),
    ...(resource === undefined ? {} : { resource }),
    ...(code === undefined ? {} : { code }),
    details: kind.class === 'entity-management' ? { ...facts, entity } : facts,
  }))

test('the leaf of every event is canonical, valid and within its bound', () => {
  fc.assert(
    fc.property(event, timeMs, count, (what, when, index) => {
      const [record] = deriveItems(
        [maker.record({ kind: 'event', timeMs: when, event: what })],
        Math.min(index, 2 ** 52),
      )
      assert.ok(record !== undefined)
      checkLeaf(record.leaf)
    }),
    { numRuns: RUNS },
  )
})

test('the leaf of every record that the trail writes of itself is canonical and valid', () => {
  const cuts = [{ segment: 3, offset: 4_096, firstIndex: 17 }]
  for (const activity of ['start', 'stop', 'heartbeat', 'gap'] as const) {
    for (const which of [[], cuts]) {
      const facts = lifecycleFacts(activity, productFacts(VERSION), { records: 1, error: 'EIO' }, which)
      const [record] = deriveItems([maker.own(facts, 1_795_262_400_000.5)], 4)
      assert.ok(record !== undefined)
      const leaf = checkLeaf(record.leaf)
      assert.equal(record.isStart, activity === 'start')
      assert.equal((leaf['unmapped'] as JsonObject)['lifecycle'], activity)
    }
  }
})
