/** People, sessions, shapes and ports for the tests of the trail. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { Bytes, Clock } from '#base'
import {
  type DecidedShape,
  GatewayError,
  type Log,
  type Person,
  type Scrubber,
  type Sealer,
  type Session,
  type Workload,
} from '#model'

export const ORIGIN = 'gw.example/trail/a'
export const VERSION = '0.1.0'

export const alice: Person = {
  kind: 'person',
  id: 'p_7h2k',
  issuer: 'https://idp.example',
  subject: 'auth0|alice',
  name: 'alice@example.com',
  groups: ['support', 'tier-1'],
  mfa: true,
}

const ciBot: Workload = {
  kind: 'workload',
  id: 'ci-bot',
  issuer: 'https://ci.example',
  subject: 'repo:shop/api:ref:refs/heads/main',
  name: 'ci-bot',
  groups: [],
  mfa: false,
}

export const session: Session = {
  id: 's_k3v9',
  identity: alice,
  resource: { name: 'cards', kind: 'postgres', zone: 'cde', tables: ['public.customers'] },
  tokenId: 'tok_5f2a',
  grantId: 'gr_1c9e',
  startedAtMs: 1_795_262_400_000,
  endsAtMs: 1_795_291_200_000,
  client: { address: '10.0.4.7', port: 51_544, tls: true },
}

export const botSession: Session = {
  ...session,
  id: 's_bot',
  identity: ciBot,
  resource: { name: 'reports', kind: 'postgres', tables: [] },
  client: { address: '::1', port: 40_000, tls: false },
}

/** Alice's agent at an MCP server. */
export const callSession: Session = {
  ...session,
  id: 's_call',
  identity: { ...alice, agent: { id: 'cl_9', name: 'claude-code' } },
  resource: { name: 'ledger', kind: 'mcp', zone: 'cde', tools: [] },
}

/** What that server asks of the database in her name. */
export const toolSession: Session = {
  ...session,
  id: 's_tool',
  identity: callSession.identity,
  client: { address: '127.0.0.1', port: 40_001, tls: false },
  via: { server: 'ledger', childId: 'c_41', tools: ['lookup_customer', 'refund'], running: () => [] },
}

export const call: DecidedShape = {
  shape: {
    verb: 'tools/call',
    accesses: [{ effect: 'callTool', object: { kind: 'tool', name: 'refund' } }],
    template: 'refund(amount, currency)',
    fingerprint: '5a5a'.repeat(16),
    definition: 'd3f1'.repeat(16),
  },
  decision: { outcome: 'allow', policies: ['support-refunds'], policyHash: '41d0'.repeat(16) },
}

export const select: DecidedShape = {
  shape: {
    verb: 'SELECT',
    accesses: [
      {
        effect: 'select',
        object: { kind: 'table', schema: 'public', name: 'customers' },
        columns: ['id', 'name', 'pan'],
      },
    ],
    template: 'select name, pan from customers where id = $1',
    fingerprint: '9c1e'.repeat(16),
  },
  decision: { outcome: 'allow', policies: ['support-reads-customers'], policyHash: '41d0'.repeat(16) },
}

export const drop: DecidedShape = {
  shape: {
    verb: 'DROP TABLE',
    accesses: [{ effect: 'ddl', object: { kind: 'schema', schema: 'public' } }],
    incomplete: 'a statement of a kind that is not understood',
    template: 'drop table customers',
    fingerprint: '77aa'.repeat(16),
  },
  decision: { outcome: 'deny', policies: [], policyHash: '41d0'.repeat(16), reason: 'no policy permits ddl on public' },
}

export const held: DecidedShape = {
  shape: {
    verb: 'SET',
    accesses: [{ effect: 'setSetting', object: { kind: 'setting', name: 'work_mem' } }],
    template: 'set work_mem = $1',
    fingerprint: '1212'.repeat(16),
  },
  decision: { outcome: 'hold', policies: ['ask-first'], policyHash: '41d0'.repeat(16) },
}

/** Replaces runs of sixteen digits, keeping the last four. */
export const scrubber: Scrubber = {
  scrub: (bytes) => Buffer.from(scrubDigits(Buffer.from(bytes).toString('latin1')), 'latin1'),
  scrubText: scrubDigits,
}

function scrubDigits(text: string): string {
  return text.replaceAll(/\d{12}(\d{4})/g, '************$1')
}

/** Seals under a key of this process, or one that is given to several. */
export function makeSealer(key: Bytes = randomBytes(32)): Sealer {
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
      try {
        return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()])
      } catch (cause) {
        throw new GatewayError('SP_VAULT_SEAL_BROKEN', undefined, { cause })
      }
    },
  }
}

/** The clock of this process. */
export const processClock: Clock = {
  nowMs: () => performance.timeOrigin + performance.now(),
  monotonicMs: () => performance.now(),
}

/** A log that keeps what was said. */
export interface KeptLog extends Log {
  readonly lines: {
    readonly level: string
    readonly event: string
    readonly facts: Readonly<Record<string, unknown>>
  }[]
}

export function keepLog(): KeptLog {
  const lines: KeptLog['lines'] = []
  const keep =
    (level: string) =>
    (event: string, facts: Readonly<Record<string, unknown>> = {}): void => {
      lines.push({ level, event, facts })
    }
  return { lines, info: keep('info'), warn: keep('warn'), error: keep('error') }
}
