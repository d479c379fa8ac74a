import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FairQueue } from './fair-queue.ts'

const [alice, bob, carol] = [{}, {}, {}]

function drain(queue: FairQueue<string>): string[] {
  const items: string[] = []
  for (let item = queue.take(); item !== undefined; item = queue.take()) items.push(item)
  return items
}

test('owners take turns, each in its own order', () => {
  const queue = new FairQueue<string>()
  for (const item of ['a1', 'a2', 'a3', 'a4']) queue.push(alice, item)
  queue.push(bob, 'b1')
  queue.push(carol, 'c1')
  queue.push(bob, 'b2')
  assert.equal(queue.size, 7)
  assert.deepEqual([queue.sizeOf(alice), queue.sizeOf(bob), queue.sizeOf({})], [4, 2, 0])
  assert.deepEqual(drain(queue), ['a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4'])
  assert.equal(queue.size, 0)
})

test('who comes later waits for one item of each owner before', () => {
  const queue = new FairQueue<string>()
  for (const item of ['a1', 'a2', 'a3']) queue.push(alice, item)
  assert.equal(queue.take(), 'a1')
  queue.push(bob, 'b1')
  assert.deepEqual(drain(queue), ['a2', 'b1', 'a3'])
})

test('items can be removed', () => {
  const queue = new FairQueue<string>()
  for (const item of ['x1', 'y1', 'x2']) queue.push(alice, item)
  queue.push(bob, 'x3')
  assert.deepEqual(
    queue.remove((item) => item.startsWith('x')),
    ['x1', 'x2', 'x3'],
  )
  assert.equal(queue.size, 1)
  assert.equal(queue.sizeOf(bob), 0)
  assert.deepEqual(drain(queue), ['y1'])
})
