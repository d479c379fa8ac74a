/** A recorded decision is explained as it was asked: with the way it came. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '#base'
import { loadSample } from '../../testkit/policy-sample.ts'
import { createExplain } from './explain.ts'

const policy = loadSample()
const clock = { nowMs: () => 1_795_262_455_120, monotonicMs: () => 0 }

const table = { effect: 'select', object: { kind: 'table', schema: 'public', name: 'customers' }, columns: ['id'] }
const call = { effect: 'callTool', object: { kind: 'tool', name: 'lookup_customer' } }

/** What is told of an operation of somebody in support. */
function told(resource: string, access: JsonObject, more: JsonObject): string {
  const leaf = {
    actor: { user: { type: 'person', uid: 'p1', groups: [{ name: 'support' }] }, session: { is_mfa: true } },
    dst_endpoint: { svc_name: resource },
    src_endpoint: { ip: '10.0.0.1', port: 1 },
    unmapped: {
      accesses: [access],
      decision: { outcome: 'allow', policies: ['p'], policy_hash: policy.hash },
      phase: 'intent',
      ...more,
    },
  }
  return createExplain(() => policy, clock)
    .explain({ sequence: 1, leaf }, true)
    .join('\n')
}

test('SQL that a tool sent is asked as its SQL, not as that of the person', () => {
  const via = { child: 'c', server: 'ledger', tool: 'lookup_customer' }
  const throughTool = told('cards', table, { via })
  assert.match(throughTool, /asked by .*, through .*ledger\/lookup_customer/)
  assert.doesNotMatch(told('cards', table, {}), /through/)
  const throughServer = told('cards', table, { via: { child: 'c', server: 'ledger' } })
  assert.notEqual(throughServer, throughTool)
})

test('what the question leaves out is said', () => {
  assert.match(told('ledger', call, { verb: 'tools/call' }), /without its arguments/)
  assert.match(told('ledger', call, { approval: { request: '00000A' } }), /as if nobody had approved it/)
  assert.doesNotMatch(told('cards', table, {}), /without its arguments|as if nobody/)
})
