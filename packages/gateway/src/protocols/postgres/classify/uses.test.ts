import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Access } from '#model'
import { statement } from './testkit/parsed.ts'
import { formatUses, readUsesVectors } from './testkit/vectors.ts'

const usesOf = (sql: string): unknown => {
  const { accesses } = statement(sql).shape
  return { computed: formatUses(accesses, 'computed'), unnamed: formatUses(accesses, 'unnamed') }
}

describe('testdata/sql/uses.json', () => {
  const vectors = readUsesVectors()
  for (const { sql, computed = [], unnamed = [] } of vectors) {
    test(sql, () => {
      assert.deepEqual(usesOf(sql), { computed, unnamed })
    })
  }

  test('the vectors are many', () => {
    assert.ok(vectors.length >= 200)
  })
})

describe('who carries a use', () => {
  const [select] = statement('insert into cards (id) values (1) returning pan || pan').shape.accesses.filter(
    ({ effect }) => effect === 'select',
  )

  test('the access of select, which there is wherever a column is read', () => {
    const expected: Access = {
      effect: 'select',
      object: { kind: 'table', schema: 'public', name: 'cards' },
      columns: ['pan'],
      computed: ['pan'],
    }
    assert.deepEqual(select, expected)
  })

  test('no other access, and none without a use', () => {
    const { accesses } = statement('update cards set pan = $1 where pan = $2 returning pan').shape
    for (const access of accesses) assert.deepEqual(Object.keys(access).toSorted(), ['columns', 'effect', 'object'])
  })

  test('other literals can be another shape: a number in ORDER BY names a column', () => {
    const [one, two] = [1, 2].map((place) =>
      statement(`select id, pan from cards union all select '5', '5' order by ${place}`),
    )
    assert.equal(one?.shape.fingerprint, two?.shape.fingerprint)
    assert.deepEqual(
      [one, two].map((found) => formatUses(found?.shape.accesses ?? [], 'computed')),
      [['public.cards(id)'], ['public.cards(pan)']],
    )
    assert.notEqual(one?.shapeKey, two?.shapeKey)
  })
})

describe('large statements', () => {
  const chain = (length: number, step: (from: string, name: string) => string, last: string): string => {
    const steps = Array.from({ length }, (_, index) => step(`n${index}`, `n${index + 1}`))
    return `with ${['n0 as (select pan, id from cards)', ...steps].join(', ')} select ${last} from n${length} n`
  }

  test('a chain of thousands of CTEs is followed to its end', () => {
    for (const step of ['select * from', 'select pan, id from', 'select n.* from old,']) {
      const sql = chain(3000, (from, name) => `${name} as (${step} ${from} n)`, 'n.pan || n.pan')
      const { accesses } = statement(sql).shape
      assert.deepEqual(accesses[0]?.computed, ['pan'], step)
    }
  })

  test('names that may mean what they stand for are followed to their end', () => {
    const circle = 'with recursive n as (select pan from n, old) select pan from n order by pan'
    assert.deepEqual(usesOf(circle), { computed: [], unnamed: [] })
    const sorting = chain(300, (from, name) => `${name} as (select pan, id from old, ${from} n)`, 'n.pan')
    assert.deepEqual(usesOf(`${sorting} order by n.pan`), { computed: [], unnamed: [] })
  })

  test('doubling at each step takes no longer', () => {
    const twice = chain(40, (from, name) => `${name} as (select a.* from ${from} a, ${from} b)`, `n.pan || ''`)
    assert.deepEqual(usesOf(twice), { computed: ['public.cards(pan)'], unnamed: [] })
    const wider = chain(40, (from, name) => `${name} as (select a.*, b.* from ${from} a, ${from} b)`, `n.pan || ''`)
    assert.deepEqual(usesOf(wider), { computed: ['public.cards(pan)'], unnamed: [] })
  })

  test('what is too much to follow may be anything', () => {
    const tables = Array.from({ length: 400 }, (_, index) => `t${index}`).join()
    const names = Array.from({ length: 400 }, (_, index) => `c${index} || ''`).join()
    const { accesses, incomplete } = statement(`select ${names} from ${tables}`).shape
    assert.equal(incomplete, undefined)
    assert.equal(accesses.length, 400)
    for (const access of accesses) assert.deepEqual([access.computed, access.unnamed], ['*', '*'])
  })
})
