/**
 * A real trail with its real reader in a folder of its own, for tests of what is read: people, agents, tool calls and what they cause are recorded
 * as the data path records them.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type IndexedReader, openTrailReader } from '#evidence'
import type {
  ApprovalLink,
  DecidedShape,
  Log,
  Outcome,
  Person,
  RecordedVia,
  Scrubber,
  Sealer,
  Session,
  TrailEvent,
} from '#model'
import { openTrail, type Trail } from '#trail'
import { processClock } from './gate.ts'

const silence = (): void => undefined
const silent: Log = { info: silence, warn: silence, error: silence }
const leaveAll: Scrubber = { scrub: (bytes) => bytes, scrubText: (text) => text }

/** Alice with an AI agent. */
export const alice: Person = {
  kind: 'person',
  id: 'usr_alice',
  issuer: 'https://idp.example',
  subject: 'alice',
  name: 'alice@example.com',
  groups: ['support'],
  mfa: true,
  agent: { id: 'cl_claude', name: 'claude-code' },
}

/** Bob approves. */
export const bob: Person = {
  kind: 'person',
  id: 'usr_bob',
  issuer: 'https://idp.example',
  subject: 'bob',
  name: 'bob@example.com',
  groups: ['payments-leads'],
  mfa: true,
}

const POLICY_HASH = '41d0'.repeat(16)

/** Alice's agent at the MCP server `ledger`. */
export const callSession: Session = {
  id: 'ses_call',
  identity: alice,
  resource: { name: 'ledger', kind: 'mcp', zone: 'cde', tools: [] },
  tokenId: 'tok_1',
  grantId: 'grt_1',
  startedAtMs: 1_795_262_400_000,
  endsAtMs: 1_795_291_200_000,
  client: { address: '10.0.4.7', port: 51_544, tls: true },
}

/** What `ledger` asks of the database in her name. */
export const childSession: Session = {
  ...callSession,
  id: 'ses_child',
  resource: { name: 'cards', kind: 'postgres', zone: 'cde', tables: [] },
  tokenId: 'tok_2',
  client: { address: '127.0.0.1', port: 40_001, tls: false },
  via: { server: 'ledger', childId: 'chd_1', tools: ['lookup_customer', 'refund'], running: () => [] },
}

/** Her own connection to it. */
export const ownSession: Session = {
  ...callSession,
  id: 'ses_own',
  identity: { ...alice, agent: { id: 'cl_cli', name: 'sallyport CLI' } },
  resource: childSession.resource,
  tokenId: 'tok_3',
}

/** A tool call as it was decided. */
export function calling(tool: string, decision: Partial<DecidedShape['decision']> = {}): DecidedShape {
  return {
    shape: {
      verb: 'tools/call',
      accesses: [{ effect: 'callTool', object: { kind: 'tool', name: tool } }],
      template: `${tool}(id)`,
      fingerprint: '5a5a'.repeat(16),
      definition: 'd3f1'.repeat(16),
    },
    decision: { outcome: 'allow', policies: [`agents-call-${tool}`], policyHash: POLICY_HASH, ...decision },
  }
}

/** A statement as it was decided. */
export function selecting(table: string, decision: Partial<DecidedShape['decision']> = {}): DecidedShape {
  return {
    shape: {
      verb: 'SELECT',
      accesses: [{ effect: 'select', object: { kind: 'table', schema: 'public', name: table }, columns: ['id'] }],
      template: `select id from ${table} where id = $1`,
      fingerprint: '9c1e'.repeat(16),
    },
    decision: { outcome: 'allow', policies: [`reads-${table}`], policyHash: POLICY_HASH, ...decision },
  }
}

/** One operation to be recorded. */
interface RecordedOperation {
  readonly session: Session
  readonly decided: DecidedShape
  readonly payload?: string
  readonly via?: RecordedVia
  readonly approval?: ApprovalLink
  /** Success unless given; refused for what was not allowed. */
  readonly outcome?: Outcome
  readonly timeMs?: number
}

/** A trail and its reader. */
export interface RecordedTrail {
  readonly folder: string
  readonly trail: Trail
  readonly reader: IndexedReader
  /** Records an operation with its outcome; the number of its intent. */
  operation(asked: RecordedOperation): Promise<number>
  event(event: TrailEvent): Promise<number>
  /** Waits until all that is recorded can be read. */
  caughtUp(): Promise<void>
  /** Waits until all records below a number can be read. */
  indexed(size: number): Promise<void>
}

const SUCCESS: Outcome = { status: 'success', rows: 1, bytes: 40, durationMs: 2 }
const REFUSED: Outcome = { status: 'refused', rows: 0, bytes: 0, durationMs: 0 }

/** Opens a trail with its reader; both are closed, and the folder removed, after the test. */
export async function openRecordedTrail(t: TestContext): Promise<RecordedTrail> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-recorded-'))
  const directory = join(folder, 'trail')
  const trail = await openTrail({
    directory,
    walDirectory: join(folder, 'wal'),
    keyDirectory: join(folder, 'keys'),
    origin: 'gw.example/trail/a',
    version: '0.1.0',
    clock: processClock,
    sealer: makeSealer(),
    scrubber: leaveAll,
    log: silent,
    checkpointMs: 20,
    limits: { segmentBytes: 1_048_576 },
  })
  const { origin, size } = trail.status()
  const reader = openTrailReader({
    directory,
    indexFile: join(folder, 'index.db'),
    origin,
    size,
    keys: trail.payloadKeys,
    status: () => trail.status(),
    log: silent,
  })
  trail.onCheckpoint((news) => {
    reader.advance(news.size)
  })
  t.after(async () => {
    await reader[Symbol.asyncDispose]()
    await trail[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })
  return { folder: directory, trail, reader, ...recording(trail, reader) }
}

function recording(
  trail: Trail,
  reader: IndexedReader,
): Pick<RecordedTrail, 'operation' | 'event' | 'caughtUp' | 'indexed'> {
  const indexed = async (size: number): Promise<void> => {
    while ((await reader.status()).indexed < size) await delay(5)
  }
  return {
    async operation({ payload = '{}', outcome, timeMs = processClock.nowMs(), ...asked }) {
      const [receipt] = await trail.record([{ kind: 'intent', timeMs, payload: Buffer.from(payload), ...asked }])
      const intent = receipt?.sequence ?? -1
      const isAllowed = asked.decided.decision.outcome === 'allow'
      trail.conclude({ kind: 'outcome', timeMs, intent, outcome: outcome ?? (isAllowed ? SUCCESS : REFUSED) })
      return intent
    },
    async event(event) {
      const [receipt] = await trail.record([{ kind: 'event', timeMs: processClock.nowMs(), event }])
      return receipt?.sequence ?? -1
    },
    async caughtUp() {
      // Outcomes wait for the next commit: a record behind them makes one.
      await trail.record([
        {
          kind: 'event',
          timeMs: processClock.nowMs(),
          event: { class: 'lifecycle', activity: 'listen', status: 'success' },
        },
      ])
      await indexed(trail.status().durable)
    },
    indexed,
  }
}

function makeSealer(): Sealer {
  const key = randomBytes(32)
  return {
    seal(plain, context) {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context))
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed)
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12)).setAAD(Buffer.from(context))
      decipher.setAuthTag(bytes.subarray(-16))
      return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()])
    },
  }
}
