import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { statement } from './testkit/parsed.ts'
import { formatAccess, readVectors, vectorFiles } from './testkit/vectors.ts'

for (const file of vectorFiles) {
  describe(`testdata/sql/${file}.json`, () => {
    for (const vector of readVectors(file)) {
      test(vector.sql, () => {
        const { shape, exitsTransaction } = statement(vector.sql)
        assert.deepEqual(
          {
            sql: vector.sql,
            verb: shape.verb,
            accesses: shape.accesses.map(formatAccess),
            ...(shape.incomplete === undefined ? {} : { incomplete: shape.incomplete }),
            ...(exitsTransaction ? { exitsTransaction } : {}),
            template: shape.template,
          },
          vector,
        )
      })
    }
  })
}

test('the vectors are many', () => {
  assert.ok(vectorFiles.flatMap((file) => readVectors(file)).length >= 400)
})
