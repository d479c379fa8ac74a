import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LruCache } from './lru-cache.ts'

test('what is asked for again outlives a flood of what is not', () => {
  const cache = new LruCache<number>({ entries: 8, bytes: 8000 })
  cache.set('hot', 1, 10)
  assert.equal(cache.get('hot'), 1)
  for (let index = 0; index < 1000; index++) cache.set(`cold ${index}`, index, 10)
  assert.equal(cache.get('hot'), 1)
  assert.equal(cache.get('cold 0'), undefined)
  assert.equal(cache.get('cold 999'), 999)
})

test('what was not asked for longest goes first', () => {
  const cache = new LruCache<number>({ entries: 8, bytes: 8000 })
  for (const key of ['a', 'b']) cache.set(key, 1, 1)
  cache.set('c', 1, 1)
  assert.deepEqual([cache.get('a'), cache.get('b'), cache.get('c')], [undefined, 1, 1])
})

test('an entry heavier than the limit is not kept', () => {
  const cache = new LruCache<number>({ entries: 8, bytes: 100 })
  cache.set('a', 1, 26)
  assert.equal(cache.get('a'), undefined)
  assert.equal(cache.bytes, 0)
})

test('a replaced entry is counted once', () => {
  const cache = new LruCache<number>({ entries: 8, bytes: 100 })
  cache.set('a', 1, 10)
  cache.get('a')
  cache.set('a', 2, 5)
  assert.deepEqual([cache.get('a'), cache.size, cache.bytes], [2, 1, 5])
})

test('limits hold whatever happens', () => {
  const keys = fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz'.split(''))
  fc.assert(
    fc.property(fc.array(fc.tuple(keys, fc.nat(60), fc.boolean()), { maxLength: 200 }), (steps) => {
      const cache = new LruCache<string>({ entries: 10, bytes: 200 })
      for (const [key, weight, isRead] of steps) {
        if (isRead) assert.ok([undefined, key].includes(cache.get(key)))
        else cache.set(key, key, weight)
        assert.ok(cache.size <= 10 && cache.bytes <= 200 && cache.bytes >= 0)
      }
    }),
  )
})
