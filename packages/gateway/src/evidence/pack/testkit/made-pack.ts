/** Packs over a real trail: a look-up with masked cards; a refund that is held, approved by bob, and runs. */
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { canonicalJson, formatRef } from '#base'
import {
  alice,
  bob,
  calling,
  callSession,
  childSession,
  openRecordedTrail,
  ownSession,
  type RecordedTrail,
  selecting,
} from '../../../../testkit/recorded-trail.ts'
import { buildPack, type BuiltPack, type PackOrder, type PackSources } from '../index.ts'

const way = { server: 'ledger', childId: 'chd_1' }
const MASKED = {
  status: 'success',
  rows: 2,
  bytes: 80,
  durationMs: 3,
  masking: { ruleset: 'ab'.repeat(32), columns: [{ name: 'pan', rule: 'declared-pan', seen: 2, masked: 2 }] },
} as const

const REFUNDS = `@id("refunds-above-100") @approvers("payments-leads:1")
permit (principal, action in Action::"ledger/refund.approved", resource);
`
const FILES = [{ name: 'support.cedar', text: REFUNDS }]
const CANONICAL = canonicalJson({ files: FILES.map(({ text }) => text) })
const HASH = createHash('sha256').update(CANONICAL).digest('hex')
const IN_FORCE = { policyHash: HASH } as const
const NAMES: Readonly<Record<string, string>> = { usr_alice: 'alice@example.com', usr_bob: 'bob@example.com' }
const FAR_FUTURE = 4_000_000_000_000

/** Records the policy; the number of its record. */
async function activate(recorded: RecordedTrail): Promise<number> {
  const details = { entity: { type: 'policy', uid: HASH } }
  return await recorded.event({ class: 'entity-management', activity: 'activate', status: 'success', details })
}

async function story(recorded: RecordedTrail): Promise<void> {
  const lookup = await recorded.operation({
    session: callSession,
    decided: calling('lookup_customer', IN_FORCE),
    payload: '{"id":7}',
  })
  await recorded.operation({
    session: childSession,
    decided: selecting('customers', IN_FORCE),
    via: { ...way, tool: 'lookup_customer', cause: 'exact', calls: [lookup] },
    payload: '=cmd|" /C calc"!A0, "quoted"\nselect 1',
    outcome: MASKED,
  })
  const hold = { ...IN_FORCE, outcome: 'hold', policies: ['refunds-above-100'], need: 'payments-leads:1' } as const
  const held = await recorded.operation({ session: callSession, decided: calling('refund', hold) })
  const ref = formatRef(held)
  const about = { entity: { type: 'request', uid: ref }, intent: held, need: hold.need, binding: 'b1'.repeat(32) }
  const request = { class: 'entity-management', client: callSession.client, status: 'success' } as const
  const opening = { ...about, policies: hold.policies, policy_hash: HASH, verb: 'tools/call', expires: FAR_FUTURE }
  const asked = await recorded.event({ ...request, activity: 'request-open', actor: alice, details: opening })
  const answering = { ...about, groups: bob.groups, requester: alice.id, makes: 'approved', comment: 'INC-7' }
  const approved = await recorded.event({ ...request, activity: 'request-approve', actor: bob, details: answering })
  await recorded.operation({
    session: callSession,
    decided: calling('refund', IN_FORCE),
    approval: { request: ref, records: [asked, approved], approvers: [bob.id], binding: about.binding },
  })
  await recorded.operation({ session: ownSession, decided: selecting('orders', IN_FORCE) })
}

/** Where packs of a recorded trail are made from. */
function sourcesOf(recorded: RecordedTrail, activationRecord: number): PackSources {
  return {
    directory: recorded.folder,
    reader: recorded.reader,
    indexed: (size) => recorded.indexed(size),
    keys: recorded.trail.payloadKeys,
    product: 'Sallyport 0.1.0',
    names: async (ids) =>
      Object.fromEntries(ids.flatMap((id) => (NAMES[id] === undefined ? [] : ([[id, NAMES[id]]] as const)))),
    policy: () => ({ hash: HASH, canonicalText: CANONICAL, files: FILES, activationRecord }),
    entitlements: () => [
      {
        policy: 'agents-call-refund',
        file: 'support.cedar',
        line: 1,
        principal: 'persons in support',
        action: 'ledger/refund',
        resource: 'server ledger',
        resourceName: 'ledger',
        approval: 'sometimes',
        approvals: [{ policy: 'refunds-above-100', approvers: 'payments-leads:1' }],
        bans: [],
        need: 'refund customers',
        owner: 'support@example.com',
      },
    ],
    tools: [{ server: 'ledger', tool: 'refund' }],
    sign: (digest) => recorded.trail.signPack(digest),
  }
}

/** A pack that was made for a test. */
export interface MadePack {
  readonly recorded: RecordedTrail
  readonly folder: string
  readonly built: BuiltPack
  readonly vkey: string
  /** Makes it once more, elsewhere. */
  again(): Promise<BuiltPack>
}

/** Which pack is wanted; `part`: of a period in the middle of a longer log; `meanwhile`: somebody works while it is built. */
export interface Wanted {
  readonly disclosed: PackOrder['disclosed']
  readonly part?: true
  readonly meanwhile?: true
}

/** Makes a pack in a folder that is removed after the test. */
export async function makePack(t: TestContext, { disclosed, part, meanwhile }: Wanted): Promise<MadePack> {
  const recorded = await openRecordedTrail(t)
  const activation = await activate(recorded)
  if (part === true) await fill(recorded, 1_000)
  const fromMs = part === true ? 2_000_000_000_000 : 0
  if (part === true) await fill(recorded, 2_000_000_000_000)
  await story(recorded)
  if (part === true) await fill(recorded, 3_000_000_000_000)
  await recorded.caughtUp()
  const toMs = part === true ? 2_000_000_000_000 : FAR_FUTURE
  const order = { fromMs, toMs, disclosed, by: bob.id, atMs: 1_795_300_000_000 }
  const build = async (): Promise<{ readonly folder: string; readonly built: BuiltPack }> => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-pack-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const sources = sourcesOf(recorded, activation)
    return {
      folder,
      built: await buildPack(order, meanwhile === true ? whileWorking(recorded, sources) : sources, folder),
    }
  }
  const made = await build()
  const { verifierKey: vkey } = recorded.trail.status()
  return { recorded, ...made, vkey, again: async () => (await build()).built }
}

/** Somebody goes on, and a checkpoint covers what they did, as soon as the records of the period are known. */
function whileWorking(recorded: RecordedTrail, sources: PackSources): PackSources {
  const { reader } = sources
  return {
    ...sources,
    reader: {
      uses: (query) => reader.uses(query),
      async span(...about) {
        const found = await reader.span(...about)
        await recorded.operation({ session: ownSession, decided: selecting('orders', IN_FORCE) })
        await recorded.caughtUp()
        return found
      },
    },
  }
}

/** More than a bundle of operations at one time. */
async function fill({ trail }: RecordedTrail, timeMs: number): Promise<void> {
  const intents = Array.from({ length: 300 }, () => ({
    kind: 'intent' as const,
    timeMs,
    session: ownSession,
    decided: selecting('orders', IN_FORCE),
    payload: Buffer.from('{}'),
  }))
  for (const { sequence } of await trail.record(intents))
    trail.conclude({
      kind: 'outcome',
      timeMs,
      intent: sequence,
      outcome: { status: 'success', rows: 0, bytes: 0, durationMs: 1 },
    })
}

/** The rows of a table. */
export function rowsOf(folder: string, table: string): readonly Readonly<Record<string, unknown>>[] {
  const lines = readFileSync(join(folder, 'artifacts', `${table}.jsonl`), 'utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, unknown>)
}
