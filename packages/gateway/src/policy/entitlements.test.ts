import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import { loadSample, person, sampleSession, shape, workload } from '../../testkit/policy-sample.ts'
import type { Entitlement, EntitlementSubject } from './entitlement.ts'

const loaded = loadSample()

function rows(subject: EntitlementSubject): readonly string[] {
  return loaded.entitlements(subject).map(format)
}

function format({ principal, action, resource, policy }: Entitlement): string {
  return `${principal}: ${action} on ${resource} (${policy})`
}

function row(policy: string, action: string): Entitlement {
  const found = loaded.entitlements({ kind: 'all' }).find((one) => one.policy === policy && one.action === action)
  assert.ok(found)
  return found
}

describe('one row', () => {
  test('a conditional permit of a tool', () => {
    assert.deepEqual(row('refund-small', 'ledger/refund'), {
      policy: 'refund-small',
      file: 'sample.cedar',
      line: 110,
      principal: 'persons in support',
      principalKind: 'person',
      group: 'support',
      action: 'ledger/refund',
      resource: 'tool ledger/refund',
      resourceName: 'ledger',
      zone: 'cde',
      conditions: 'when { context.args.amount > 0 && context.args.amount <= 100 && context.args.currency == "EUR" }',
      approval: 'never',
      approvals: [],
      bans: ['ban-contractors-tools'],
      need: 'refunds',
      owner: 'payments-lead',
    })
  })
  test('a held permit', () => {
    const { approval, approvals, reviewed } = row('fraud-customers', 'select')
    assert.deepEqual(
      { approval, approvals, reviewed },
      {
        approval: 'always',
        approvals: [{ policy: 'fraud-customers', approvers: 'payments-leads:1 and security:2' }],
        reviewed: 'case by case',
      },
    )
  })
  test('a guard over everything that is permitted', () => {
    const { approval, approvals } = row('dba-tables', 'delete')
    assert.equal(approval, 'always')
    assert.deepEqual(approvals, [{ policy: 'guard-delete', approvers: 'payments-leads:1 and security:1' }])
    assert.equal(row('dba-tables', 'update').approval, 'never')
  })
  test('a guard with a condition', () => {
    const { approval, approvals } = row('fraud-export-call', 'ledger/export')
    assert.equal(approval, 'sometimes')
    assert.deepEqual(approvals, [
      {
        policy: 'guard-export',
        approvers: 'security:2',
        conditions: 'when { !context.args.dry } unless { action in Action::"approved" }',
      },
    ])
  })
  test('what a group of actions comes to, and on what', () => {
    const dba = rows({ kind: 'all' }).filter((one) => one.includes('(dba-'))
    assert.deepEqual(dba, [
      'persons in dba: adhoc on database cards (dba-connect)',
      'persons in dba: connect on database cards (dba-connect)',
      'persons in dba: setSetting on database cards (dba-connect)',
      'persons in dba: ddl on database cards and every table, schema, function in it (dba-ddl)',
      'persons in dba: delete on every table in schema cards/public (dba-tables)',
      'persons in dba: insert on every table in schema cards/public (dba-tables)',
      'persons in dba: select on every table in schema cards/public (dba-tables)',
      'persons in dba: truncate on every table in schema cards/public (dba-tables)',
      'persons in dba: update on every table in schema cards/public (dba-tables)',
    ])
  })
  test('the boundary has no resource', () => {
    const { resource, resourceName, zone } = row('auditors-read', 'readTrail')
    assert.deepEqual([resource, resourceName, zone], ['boundary sallyport', undefined, undefined])
  })
})

describe('of somebody', () => {
  const of = (groups: readonly string[], id = 'p1'): readonly string[] =>
    rows({ kind: 'identity', identity: person(groups, { id }) })
  test('in no group', () => assert.deepEqual(of([]), []))
  test('a workload', () => {
    assert.deepEqual(rows({ kind: 'identity', identity: workload('ci-bot') }), [
      'SQL through any tool of ledger: adhoc on database hr (export-sql)',
      'SQL through any tool of ledger: connect on database hr (export-sql)',
      'workload ci-bot: adhoc on database cards (ci-connect)',
      'workload ci-bot: connect on database cards (ci-connect)',
      'workload ci-bot: listTool on every tool in server ledger (ci-report)',
      'workload ci-bot: open on server ledger (ci-report)',
      'workload ci-bot: insert on table cards/archive/orders (ci-archive)',
      'workload ci-bot: select on table cards/archive/orders (ci-archive)',
      'workload ci-bot: ledger/run_report on tool ledger/run_report (ci-report-nightly)',
    ])
  })
  test('a person with the id of a workload has nothing of it', () => assert.deepEqual(of([], 'ci-bot'), []))
  test('through a tool only what those may whom the permit names', () => {
    const through = of(['support']).filter((one) => one.startsWith('SQL through ledger/lookup'))
    assert.deepEqual(through, [
      'SQL through ledger/lookup_customer: adhoc on database cards (lookup-adhoc)',
      'SQL through ledger/lookup_customer: connect on database cards (lookup-adhoc)',
      'SQL through ledger/lookup_customer: select on table cards/public/customers (lookup-sql)',
    ])
    assert.ok(of(['support', 'fraud']).some((one) => one.endsWith('(export-compute)')))
  })
  test('bans of others are left out', () => {
    const bans = (groups: readonly string[], id?: string): readonly string[] =>
      loaded
        .entitlements({ kind: 'identity', identity: person(groups, id === undefined ? {} : { id }) })
        .find(({ policy }) => policy === 'support-orders')?.bans ?? []
    assert.deepEqual(bans(['support']), ['sys/unlisted-cde'])
    assert.deepEqual(bans(['support'], 'carl'), ['sys/unlisted-cde', 'ban-carl-orders'])
  })
  test('whatever is allowed has a row', () => {
    for (const group of ['support', 'dba', 'fraud', 'hr']) {
      const identity = person([group], { mfa: true })
      const listed = loaded.entitlements({ kind: 'identity', identity })
      for (const table of ['public.orders', 'public.customers', 'public.cards', 'public.people', 'archive.orders']) {
        for (const effect of ['select', 'insert', 'update', 'delete', 'truncate']) {
          for (const resource of ['cards', 'hr']) {
            const asked = shape(`${effect} ${table}`)
            const { decision } = loaded.decide(sampleSession(identity, resource), asked, 0)
            if (decision.outcome === 'deny') continue
            for (const policy of decision.policies.filter((id) => !id.startsWith('guard-')))
              assert.ok(
                listed.some((one) => one.policy === policy && one.resourceName === resource),
                `${group} ${effect} ${table}: ${policy}`,
              )
          }
        }
      }
    }
  })
})

describe('of a tool', () => {
  test('who sees and calls it, and what it may do', () => {
    assert.deepEqual(rows({ kind: 'tool', server: 'ledger', tool: 'refund' }), [
      'SQL through any tool of ledger: adhoc on database hr (export-sql)',
      'SQL through any tool of ledger: connect on database hr (export-sql)',
      'SQL through ledger/refund: adhoc on database cards (refund-adhoc)',
      'SQL through ledger/refund: connect on database cards (refund-adhoc)',
      'SQL through ledger/refund: delete on table cards/public/orders (refund-sql)',
      'SQL through ledger/refund: update on table cards/public/orders (refund-sql)',
      'persons in fraud: listTool on every tool in server ledger (fraud-export)',
      'persons in fraud: open on server ledger (fraud-export)',
      'persons in support: listTool on every tool in server ledger (ledger-list)',
      'persons in support: open on server ledger (ledger-open)',
      'persons in support: ledger/refund on tool ledger/refund (refund-large)',
      'persons in support: ledger/refund on tool ledger/refund (refund-small)',
      'persons in support: ledger/refund on tool ledger/refund (refund-usd)',
      'workload ci-bot: listTool on every tool in server ledger (ci-report)',
      'workload ci-bot: open on server ledger (ci-report)',
    ])
  })
  test('that there is not', () => {
    assert.deepEqual(rows({ kind: 'tool', server: 'ledger', tool: 'gone' }), [])
    assert.deepEqual(rows({ kind: 'tool', server: 'gone', tool: 'refund' }), [])
  })
})
