import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatRef } from '#base'
import { type DecidedShape, GatewayError, type IntentEntry, type Outcome, type RecordedVia, type Session } from '#model'
import { ItemMaker } from './items.ts'
import { productFacts } from './lifecycle-facts.ts'
import { completionFacts } from './open-intents.ts'
import { deriveItems } from './testkit/derive.ts'
import {
  botSession,
  call,
  callSession,
  drop,
  held,
  scrubber,
  select,
  session,
  toolSession,
  VERSION,
} from './testkit/samples.ts'

const maker = new ItemMaker(scrubber, productFacts(VERSION))

const timeMs = 1_795_262_455_120.75

const approval = { request: '00000A', records: [10, 15], approvers: ['p_bob'], binding: 'b1'.repeat(32) }
const way = { server: 'ledger', childId: 'c_41', calls: [] }
const heldCall: DecidedShape = {
  shape: select.shape,
  decision: { ...held.decision, need: 'payments-leads:1 and security:1' },
}

/** The leaves of one operation: its intent is record 17, its outcome record 18. */
function leavesOf(who: Session, what: DecidedShape): readonly string[] {
  const payload = Buffer.from('{"statement":"select 1"}')
  const intent = maker.record({ kind: 'intent', timeMs, session: who, decided: what, payload })
  assert.ok(intent.kind === 'intent')
  const masking = { ruleset: '88e4', columns: [{ name: 'pan', rule: 'declared-pan', seen: 3, masked: 2 }] }
  const counts = { rows: 3, bytes: 120, durationMs: 2.6, digest: 'ab'.repeat(32) }
  const outcome = { status: 'masking-refused', errorCode: '22000', ...counts, masking } as const
  const end = maker.outcome({ kind: 'outcome', timeMs, intent: 17, outcome }, intent, 0)
  return deriveItems([intent, end], 17).map(({ leaf }) => leaf)
}

/** The leaf of the outcome of a held operation. */
function endOf(outcome: Outcome): string | undefined {
  const payload = Buffer.from('{"statement":"select 1"}')
  const intent = maker.record({ kind: 'intent', timeMs, session, decided: held, payload })
  assert.ok(intent.kind === 'intent')
  return deriveItems([intent, maker.outcome({ kind: 'outcome', timeMs, intent: 17, outcome }, intent, 0)], 17)[1]?.leaf
}

/** The leaves of one operation with links: its intent is record 17. */
function linked(entry: Omit<IntentEntry, 'kind' | 'timeMs' | 'payload'>): readonly string[] {
  const intent = maker.record({ kind: 'intent', timeMs, payload: Buffer.from('{"tool":"refund"}'), ...entry })
  assert.ok(intent.kind === 'intent')
  const outcome = { status: 'success', rows: 0, bytes: 120, durationMs: 2 } as const
  const end = maker.outcome({ kind: 'outcome', timeMs, intent: 17, outcome }, intent, 0)
  const records = deriveItems([intent, end], 17)
  const [first] = records
  assert.ok(first?.opens !== undefined)
  const completion = deriveItems([maker.own(completionFacts(first.opens), timeMs)], 18)
  return [...records, ...completion].map(({ leaf }) => leaf)
}

// Pinned: what is made of these entries, byte for byte. A log that was written with it must come out the same whenever it is derived again, so a change
// here wants another number in segment-header.ts. The first four are as derivation 1 made them.
const pins: readonly { readonly name: string; readonly leaf: () => string | undefined; readonly pinned: string }[] = [
  {
    name: 'an intent that was allowed',
    leaf: () => leavesOf(session, select)[0],
    pinned:
      '{"action_id":1,"activity_id":4,"actor":{"idp":{"uid":"https://idp.example"},"session":{"created_time":1795262400000,"credential_uid":"tok_5f2a","expiration_time":1795291200000,"is_mfa":true,"uid":"s_k3v9"},"user":{"groups":[{"name":"support"},{"name":"tier-1"}],"type":"person","type_id":1,"uid":"p_7h2k"}},"category_uid":6,"class_uid":6005,"database":{"name":"cards","type_id":1},"disposition_id":1,"dst_endpoint":{"svc_name":"cards"},"metadata":{"log_name":"gw.example/trail/a","product":{"name":"Sallyport","vendor_name":"Sallyport","version":"0.1.0"},"profiles":["security_control"],"sequence":17,"version":"1.9.0"},"query_info":{"query_string":"select name, pan from customers where id = $1","uid":"9c1e9c1e9c1e9c1e9c1e9c1e9c1e9c1e9c1e9c1e9c1e9c1e9c1e9c1e9c1e9c1e"},"severity_id":1,"src_endpoint":{"ip":"10.0.4.7","port":51544},"status_id":0,"time":1795262455120,"type_uid":600504,"unmapped":{"accesses":[{"columns":["id","name","pan"],"effect":"select","object":{"kind":"table","name":"customers","schema":"public"}}],"client_tls":true,"decision":{"outcome":"allow","policies":["support-reads-customers"],"policy_hash":"41d041d041d041d041d041d041d041d041d041d041d041d041d041d041d041d0"},"grant_id":"gr_1c9e","payload":{"alg":"A256GCM","key_id":"2026-11-21.0123abcd","key_sha256":"0c1b1045b14e2b4e068c08b8a7f25ae6958513c7256125ee149238160eaccc14","sha256":"d2b156b4eeb8011579bae5580bb7afcaa0a6daa6a25655726e1315766dba5c79","size":24},"phase":"intent","protocol":"postgres","verb":"SELECT","zone":"cde"}}',
  },
  {
    name: 'its outcome',
    leaf: () => leavesOf(session, select)[1],
    pinned:
      '{"activity_id":4,"actor":{"session":{"uid":"s_k3v9"},"user":{"type":"person","type_id":1,"uid":"p_7h2k"}},"category_uid":6,"class_uid":6005,"database":{"name":"cards","type_id":1},"dst_endpoint":{"svc_name":"cards"},"duration":3,"metadata":{"log_name":"gw.example/trail/a","product":{"name":"Sallyport","vendor_name":"Sallyport","version":"0.1.0"},"sequence":18,"version":"1.9.0"},"severity_id":2,"src_endpoint":{"ip":"10.0.4.7","port":51544},"status_code":"22000","status_id":2,"time":1795262455120,"type_uid":600504,"unmapped":{"bytes":120,"digest":"abababababababababababababababababababababababababababababababab","intent":17,"masking":{"columns":[{"masked":2,"name":"pan","rule":"declared-pan","seen":3}],"ruleset":"88e4"},"phase":"outcome","rows":3,"status":"masking-refused","verb":"SELECT"}}',
  },
  {
    name: 'an intent of a workload that was denied',
    leaf: () => leavesOf(botSession, drop)[0],
    pinned:
      '{"action_id":2,"activity_id":7,"actor":{"idp":{"uid":"https://ci.example"},"session":{"created_time":1795262400000,"credential_uid":"tok_5f2a","expiration_time":1795291200000,"is_mfa":false,"uid":"s_bot"},"user":{"name":"ci-bot","type":"workload","type_id":4,"uid":"ci-bot"}},"category_uid":6,"class_uid":6005,"database":{"name":"reports","type_id":1},"disposition_id":2,"dst_endpoint":{"svc_name":"reports"},"metadata":{"log_name":"gw.example/trail/a","product":{"name":"Sallyport","vendor_name":"Sallyport","version":"0.1.0"},"profiles":["security_control"],"sequence":17,"version":"1.9.0"},"query_info":{"query_string":"drop table customers","uid":"77aa77aa77aa77aa77aa77aa77aa77aa77aa77aa77aa77aa77aa77aa77aa77aa"},"severity_id":2,"src_endpoint":{"ip":"::1","port":40000},"status_code":"SP_POLICY_DENIED","status_detail":"no policy permits ddl on public","status_id":2,"time":1795262455120,"type_uid":600507,"unmapped":{"accesses":[{"effect":"ddl","object":{"kind":"schema","schema":"public"}}],"client_tls":false,"decision":{"code":"SP_POLICY_DENIED","outcome":"deny","policies":[],"policy_hash":"41d041d041d041d041d041d041d041d041d041d041d041d041d041d041d041d0","reason":"no policy permits ddl on public"},"grant_id":"gr_1c9e","incomplete":"a statement of a kind that is not understood","payload":{"alg":"A256GCM","key_id":"2026-11-21.0123abcd","key_sha256":"0c1b1045b14e2b4e068c08b8a7f25ae6958513c7256125ee149238160eaccc14","sha256":"d2b156b4eeb8011579bae5580bb7afcaa0a6daa6a25655726e1315766dba5c79","size":24},"phase":"intent","protocol":"postgres","verb":"DROP TABLE"}}',
  },
  {
    name: 'an intent that needs an approval',
    leaf: () => leavesOf(session, held)[0],
    pinned:
      '{"action_id":2,"activity_id":99,"activity_name":"SET","actor":{"idp":{"uid":"https://idp.example"},"session":{"created_time":1795262400000,"credential_uid":"tok_5f2a","expiration_time":1795291200000,"is_mfa":true,"uid":"s_k3v9"},"user":{"groups":[{"name":"support"},{"name":"tier-1"}],"type":"person","type_id":1,"uid":"p_7h2k"}},"category_uid":6,"class_uid":6005,"database":{"name":"cards","type_id":1},"disposition_id":2,"dst_endpoint":{"svc_name":"cards"},"metadata":{"log_name":"gw.example/trail/a","product":{"name":"Sallyport","vendor_name":"Sallyport","version":"0.1.0"},"profiles":["security_control"],"sequence":17,"version":"1.9.0"},"query_info":{"query_string":"set work_mem = $1","uid":"1212121212121212121212121212121212121212121212121212121212121212"},"severity_id":2,"src_endpoint":{"ip":"10.0.4.7","port":51544},"status_code":"SP_POLICY_NEEDS_APPROVAL","status_id":2,"time":1795262455120,"type_uid":600599,"unmapped":{"accesses":[{"effect":"setSetting","object":{"kind":"setting","name":"work_mem"}}],"client_tls":true,"decision":{"code":"SP_POLICY_NEEDS_APPROVAL","outcome":"hold","policies":["ask-first"],"policy_hash":"41d041d041d041d041d041d041d041d041d041d041d041d041d041d041d041d0"},"grant_id":"gr_1c9e","payload":{"alg":"A256GCM","key_id":"2026-11-21.0123abcd","key_sha256":"0c1b1045b14e2b4e068c08b8a7f25ae6958513c7256125ee149238160eaccc14","sha256":"d2b156b4eeb8011579bae5580bb7afcaa0a6daa6a25655726e1315766dba5c79","size":24},"phase":"intent","protocol":"postgres","verb":"SET","zone":"cde"}}',
  },
  {
    name: 'the end of what waits for one',
    leaf: () => endOf({ status: 'refused', rows: 0, bytes: 0, durationMs: 0, request: formatRef(17) }),
    pinned:
      '{"activity_id":99,"activity_name":"SET","actor":{"session":{"uid":"s_k3v9"},"user":{"type":"person","type_id":1,"uid":"p_7h2k"}},"category_uid":6,"class_uid":6005,"database":{"name":"cards","type_id":1},"dst_endpoint":{"svc_name":"cards"},"duration":0,"metadata":{"log_name":"gw.example/trail/a","product":{"name":"Sallyport","vendor_name":"Sallyport","version":"0.1.0"},"sequence":18,"version":"1.9.0"},"severity_id":2,"src_endpoint":{"ip":"10.0.4.7","port":51544},"status_id":2,"time":1795262455120,"type_uid":600599,"unmapped":{"bytes":0,"intent":17,"phase":"outcome","request":"000HH","rows":0,"status":"refused","verb":"SET"}}',
  },
  {
    name: 'a tool call that runs under an approval',
    leaf: () => linked({ session: callSession, decided: call, approval })[0],
    pinned:
      '{"action_id":1,"activity_id":99,"activity_name":"tools/call","actor":{"app_name":"claude-code","app_uid":"cl_9","idp":{"uid":"https://idp.example"},"session":{"created_time":1795262400000,"credential_uid":"tok_5f2a","expiration_time":1795291200000,"is_mfa":true,"uid":"s_call"},"user":{"groups":[{"name":"support"},{"name":"tier-1"}],"type":"person","type_id":1,"uid":"p_7h2k"}},"api":{"operation":"refund","service":{"name":"ledger"}},"category_uid":6,"class_uid":6003,"disposition_id":1,"dst_endpoint":{"svc_name":"ledger"},"metadata":{"log_name":"gw.example/trail/a","product":{"name":"Sallyport","vendor_name":"Sallyport","version":"0.1.0"},"profiles":["security_control"],"sequence":17,"version":"1.9.0"},"severity_id":1,"src_endpoint":{"ip":"10.0.4.7","port":51544},"status_id":0,"time":1795262455120,"type_uid":600399,"unmapped":{"accesses":[{"effect":"callTool","object":{"kind":"tool","name":"refund"}}],"approval":{"approvers":["p_bob"],"binding":"b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1","records":[{"index":10,"origin":"gw.example/trail/a"},{"index":15,"origin":"gw.example/trail/a"}],"request":"00000A"},"client_tls":true,"decision":{"outcome":"allow","policies":["support-refunds"],"policy_hash":"41d041d041d041d041d041d041d041d041d041d041d041d041d041d041d041d0"},"definition":"d3f1d3f1d3f1d3f1d3f1d3f1d3f1d3f1d3f1d3f1d3f1d3f1d3f1d3f1d3f1d3f1","fingerprint":"5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a","grant_id":"gr_1c9e","payload":{"alg":"A256GCM","key_id":"2026-11-21.0123abcd","key_sha256":"0c1b1045b14e2b4e068c08b8a7f25ae6958513c7256125ee149238160eaccc14","sha256":"410be1f582a588de47cc021ef866b4775a31d91c7b24b352ae6ad9a85377aa6c","size":17},"phase":"intent","protocol":"mcp","template":"refund(amount, currency)","verb":"tools/call","zone":"cde"}}',
  },
  {
    name: 'its outcome',
    leaf: () => linked({ session: callSession, decided: call, approval })[1],
    pinned:
      '{"activity_id":99,"activity_name":"tools/call","actor":{"session":{"uid":"s_call"},"user":{"type":"person","type_id":1,"uid":"p_7h2k"}},"api":{"operation":"refund","service":{"name":"ledger"}},"category_uid":6,"class_uid":6003,"dst_endpoint":{"svc_name":"ledger"},"duration":2,"metadata":{"log_name":"gw.example/trail/a","product":{"name":"Sallyport","vendor_name":"Sallyport","version":"0.1.0"},"sequence":18,"version":"1.9.0"},"severity_id":1,"src_endpoint":{"ip":"10.0.4.7","port":51544},"status_id":1,"time":1795262455120,"type_uid":600399,"unmapped":{"bytes":120,"intent":17,"phase":"outcome","rows":0,"status":"success","verb":"tools/call"}}',
  },
  {
    name: 'its completion',
    leaf: () => linked({ session: callSession, decided: call })[2],
    pinned:
      '{"activity_id":99,"activity_name":"tools/call","actor":{"session":{"uid":"s_call"},"user":{"type":"person","type_id":1,"uid":"p_7h2k"}},"api":{"operation":"refund","service":{"name":"ledger"}},"category_uid":6,"class_uid":6003,"dst_endpoint":{"svc_name":"ledger"},"metadata":{"log_name":"gw.example/trail/a","product":{"name":"Sallyport","vendor_name":"Sallyport","version":"0.1.0"},"sequence":18,"version":"1.9.0"},"severity_id":2,"src_endpoint":{"ip":"10.0.4.7","port":51544},"status_id":0,"time":1795262455120,"type_uid":600399,"unmapped":{"intent":17,"phase":"outcome","recovered":true,"status":"unknown","verb":"tools/call"}}',
  },
  {
    name: 'a statement that a tool call caused',
    leaf: () =>
      linked({
        session: toolSession,
        decided: select,
        via: { ...way, cause: 'exact', tool: 'refund', calls: [12] },
      })[0],
    pinned:
      '{"action_id":1,"activity_id":4,"actor":{"app_name":"claude-code","app_uid":"cl_9","idp":{"uid":"https://idp.example"},"session":{"created_time":1795262400000,"credential_uid":"tok_5f2a","expiration_time":1795291200000,"is_mfa":true,"uid":"s_tool"},"user":{"groups":[{"name":"support"},{"name":"tier-1"}],"type":"person","type_id":1,"uid":"p_7h2k"}},"category_uid":6,"class_uid":6005,"database":{"name":"cards","type_id":1},"disposition_id":1,"dst_endpoint":{"svc_name":"cards"},"metadata":{"log_name":"gw.example/trail/a","product":{"name":"Sallyport","vendor_name":"Sallyport","version":"0.1.0"},"profiles":["security_control"],"sequence":17,"version":"1.9.0"},"query_info":{"query_string":"select name, pan from customers where id = $1","uid":"9c1e9c1e9c1e9c1e9c1e9c1e9c1e9c1e9c1e9c1e9c1e9c1e9c1e9c1e9c1e9c1e"},"severity_id":1,"src_endpoint":{"ip":"127.0.0.1","port":40001},"status_id":0,"time":1795262455120,"type_uid":600504,"unmapped":{"accesses":[{"columns":["id","name","pan"],"effect":"select","object":{"kind":"table","name":"customers","schema":"public"}}],"caused_by":{"kind":"exact","records":[{"index":12,"origin":"gw.example/trail/a"}]},"client_tls":false,"decision":{"outcome":"allow","policies":["support-reads-customers"],"policy_hash":"41d041d041d041d041d041d041d041d041d041d041d041d041d041d041d041d0"},"grant_id":"gr_1c9e","payload":{"alg":"A256GCM","key_id":"2026-11-21.0123abcd","key_sha256":"0c1b1045b14e2b4e068c08b8a7f25ae6958513c7256125ee149238160eaccc14","sha256":"410be1f582a588de47cc021ef866b4775a31d91c7b24b352ae6ad9a85377aa6c","size":17},"phase":"intent","protocol":"postgres","verb":"SELECT","via":{"child":"c_41","server":"ledger","tool":"refund"},"zone":"cde"}}',
  },
  {
    name: 'a statement that one of two calls caused, and that is held',
    leaf: () =>
      linked({ session: toolSession, decided: heldCall, via: { ...way, cause: 'one-of', calls: [12, 14] } })[0],
    pinned:
      '{"action_id":2,"activity_id":4,"actor":{"app_name":"claude-code","app_uid":"cl_9","idp":{"uid":"https://idp.example"},"session":{"created_time":1795262400000,"credential_uid":"tok_5f2a","expiration_time":1795291200000,"is_mfa":true,"uid":"s_tool"},"user":{"groups":[{"name":"support"},{"name":"tier-1"}],"type":"person","type_id":1,"uid":"p_7h2k"}},"category_uid":6,"class_uid":6005,"database":{"name":"cards","type_id":1},"disposition_id":2,"dst_endpoint":{"svc_name":"cards"},"metadata":{"log_name":"gw.example/trail/a","product":{"name":"Sallyport","vendor_name":"Sallyport","version":"0.1.0"},"profiles":["security_control"],"sequence":17,"version":"1.9.0"},"query_info":{"query_string":"select name, pan from customers where id = $1","uid":"9c1e9c1e9c1e9c1e9c1e9c1e9c1e9c1e9c1e9c1e9c1e9c1e9c1e9c1e9c1e9c1e"},"severity_id":2,"src_endpoint":{"ip":"127.0.0.1","port":40001},"status_code":"SP_POLICY_NEEDS_APPROVAL","status_id":2,"time":1795262455120,"type_uid":600504,"unmapped":{"accesses":[{"columns":["id","name","pan"],"effect":"select","object":{"kind":"table","name":"customers","schema":"public"}}],"caused_by":{"kind":"one-of","records":[{"index":12,"origin":"gw.example/trail/a"},{"index":14,"origin":"gw.example/trail/a"}]},"client_tls":false,"decision":{"code":"SP_POLICY_NEEDS_APPROVAL","need":"payments-leads:1 and security:1","outcome":"hold","policies":["ask-first"],"policy_hash":"41d041d041d041d041d041d041d041d041d041d041d041d041d041d041d041d0"},"grant_id":"gr_1c9e","payload":{"alg":"A256GCM","key_id":"2026-11-21.0123abcd","key_sha256":"0c1b1045b14e2b4e068c08b8a7f25ae6958513c7256125ee149238160eaccc14","sha256":"410be1f582a588de47cc021ef866b4775a31d91c7b24b352ae6ad9a85377aa6c","size":17},"phase":"intent","protocol":"postgres","verb":"SELECT","via":{"child":"c_41","server":"ledger"},"zone":"cde"}}',
  },
]

for (const { name, leaf, pinned } of pins) {
  test(`${name} has the leaf that it always had`, () => {
    assert.equal(leaf(), pinned)
  })
}

const unsound: readonly {
  readonly name: string
  readonly who: Session
  readonly via: RecordedVia
  readonly path: RegExp
}[] = [
  {
    name: 'a way that its session does not come',
    who: session,
    via: { ...way, cause: 'none' },
    path: /unmapped\.via/,
  },
  {
    name: 'the way of another child',
    who: toolSession,
    via: { ...way, childId: 'c_42', cause: 'none' },
    path: /unmapped\.via/,
  },
  { name: 'an exact cause without a call', who: toolSession, via: { ...way, cause: 'exact' }, path: /caused_by/ },
  {
    name: 'an exact cause without a tool',
    who: toolSession,
    via: { ...way, cause: 'exact', calls: [1] },
    path: /caused_by/,
  },
  {
    name: 'no cause, but a call',
    who: toolSession,
    via: { ...way, cause: 'none', calls: [1] },
    path: /caused_by/,
  },
  { name: 'one of no calls', who: toolSession, via: { ...way, cause: 'one-of' }, path: /caused_by/ },
  {
    name: 'a call that is no record',
    who: toolSession,
    via: { ...way, cause: 'one-of', calls: [-1] },
    path: /caused_by/,
  },
]

for (const { name, who, via, path } of unsound) {
  test(`an intent with ${name} is refused`, () => {
    assert.throws(
      () => linked({ session: who, decided: select, via }),
      (error) => error instanceof GatewayError && error.code === 'SP_TRAIL_UNAVAILABLE' && path.test(error.message),
    )
  })
}

test('what was decided of a tool call is not recorded of a statement', () => {
  linked({ session: callSession, decided: call })
  assert.throws(() => linked({ session, decided: call }), /class_uid/)
})

test('the name of a tool that a client called is scrubbed', () => {
  const name = 'refund_4111111111111111'
  const shape = { ...call.shape, accesses: [{ effect: 'callTool', object: { kind: 'tool', name } } as const] }
  const [leaf] = linked({ session: callSession, decided: { ...call, shape } })
  assert.ok(leaf !== undefined && !leaf.includes('4111111111111111') && leaf.includes('refund_************1111'))
})
