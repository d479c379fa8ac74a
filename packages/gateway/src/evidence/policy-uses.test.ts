import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { leafColumns } from './leaf-columns.ts'
import { PolicyUses, USES_SCHEMA } from './policy-uses.ts'

test('the last use of one person is found behind those of any number of others', () => {
  using database = new DatabaseSync(':memory:')
  database.exec(USES_SCHEMA)
  const uses = new PolicyUses(database)
  const people = ['alice', 'alice', ...Array.from({ length: 10_001 }, (_, other) => `other ${other}`)]
  for (const [sequence, uid] of people.entries()) {
    const leaf = {
      time: 1_000 + sequence,
      actor: { user: { uid } },
      dst_endpoint: { svc_name: 'cards' },
      unmapped: { phase: 'intent', verb: 'SELECT', decision: { outcome: 'allow', policies: ['reads'] } },
    }
    uses.note(sequence, leaf, leafColumns(leaf))
  }
  uses.flush()
  const reads = { policy: 'reads', resource: 'cards' }
  assert.deepEqual(uses.find({ identity: 'alice' }), [{ ...reads, sequence: 1, timeMs: 1_001, uses: 2 }])
  assert.deepEqual(uses.find({}), [{ ...reads, sequence: 10_002, timeMs: 11_002, uses: 10_003 }])
})
