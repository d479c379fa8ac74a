import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import test from 'node:test'
import { parse } from 'yaml'
import type { PinnedTool } from '#model'
import { repositoryUrl } from '../../testkit/policy-sample.ts'
import { formatExplanation } from './explanation.ts'
import { loadPolicy } from './load.ts'
import { testPolicy } from './policy-test.ts'
import { formatProblem } from './problems.ts'

const folder = repositoryUrl('demo/boundary/policy/')

/** The tools of a file of pins; protocols/mcp reads it with all its checks. */
function pinnedTools(file: string): readonly PinnedTool[] {
  const pins = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as {
    tools: readonly { name: string; hash: string; definition: { inputSchema: unknown } }[]
  }
  return pins.tools.map(({ name, hash, definition }) => ({
    name,
    hash,
    inputSchema: JSON.stringify(definition.inputSchema),
  }))
}

test('the policy of the demo boundary loads, and its own cases pass and exercise all of it', () => {
  const names = readdirSync(folder).filter((name) => name.endsWith('.cedar'))
  const loaded = loadPolicy({
    files: names.map((name) => ({ name, text: readFileSync(new URL(name, folder), 'utf8') })),
    resources: [
      {
        name: 'cards',
        kind: 'postgres',
        zone: 'cde',
        tables: ['public.customers', 'public.orders', 'public.job_runs'],
        cardColumns: [{ schema: 'public', table: 'customers', column: 'pan', class: 'pan' }],
      },
      { name: 'ledger', kind: 'mcp', zone: 'cde', tools: pinnedTools('ledger.tools.json') },
    ],
    groups: ['support', 'payments-leads', 'auditors', 'security', 'platform', 'ci'],
    workloads: ['ci-bot'],
    boundaryName: 'sallyport',
  })
  assert.ok(loaded.kind === 'loaded', loaded.kind === 'problems' ? loaded.problems.map(formatProblem).join('\n') : '')
  const report = testPolicy(loaded, parse(readFileSync(new URL('tests.yaml', folder), 'utf8')))
  assert.deepEqual(report.faults, [])
  for (const { name, passed, explanation } of report.results) {
    assert.ok(passed, `${name}\n${formatExplanation(explanation).join('\n')}`)
  }
  assert.deepEqual(report.unexercised, [])
})
