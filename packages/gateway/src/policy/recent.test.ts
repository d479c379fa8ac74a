import assert from 'node:assert/strict'
import test from 'node:test'
import { Recent } from './recent.ts'

test('what is used stays, what is not used is forgotten, and the size is bounded', () => {
  const recent = new Recent<number>(10)
  recent.set('used', 1)
  recent.set('unused', 2)
  for (let index = 0; index < 100; index++) {
    recent.set(`other ${index}`, index)
    assert.equal(recent.get('used'), 1)
  }
  assert.equal(recent.get('unused'), undefined)
  assert.equal(recent.get('other 99'), 99)
})
