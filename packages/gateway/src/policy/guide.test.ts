import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { parse } from 'yaml'
import { loadSample, repositoryUrl } from '../../testkit/policy-sample.ts'
import { leaves } from './actions.ts'
import { parseCases } from './cases.ts'

const guide = readFileSync(repositoryUrl('docs/guide/policy.md'), 'utf8')

function blocksOf(language: string): readonly string[] {
  return [...guide.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, 'gm'))].map(([, text]) => text ?? '')
}

test('every policy of the guide loads', () => {
  const blocks = blocksOf('cedar')
  assert.ok(blocks.length >= 3)
  assert.equal(loadSample(blocks.join('\n')).policyIds.length, 13)
})

test('the cases of the guide are understood', () => {
  for (const block of blocksOf('yaml')) assert.equal(parseCases(parse(block)).kind, 'cases')
})

test('the guide names every action', () => {
  for (const action of Object.keys(leaves)) assert.ok(guide.includes(`\`${action}\``), action)
})
