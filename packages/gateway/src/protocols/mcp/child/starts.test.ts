import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Starts } from './starts.ts'

/** Who has had a turn, in order, and how each gives it up. */
function takeTurns(starts: Starts, count: number): { readonly began: number[]; end(number: number): void } {
  const began: number[] = []
  const turns = new Map<number, Disposable>()
  for (let number = 0; number < count; number++) {
    void starts.turn().then((turn) => {
      began.push(number)
      turns.set(number, turn)
    })
  }
  return { began, end: (number) => turns.get(number)?.[Symbol.dispose]() }
}

/** Promises that can be settled are. */
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve()
}

test('servers start a few at a time, in order', async () => {
  const { began, end } = takeTurns(new Starts(2), 4)
  await settled()
  assert.deepEqual(began, [0, 1])
  end(1)
  await settled()
  assert.deepEqual(began, [0, 1, 2])
  // Once is enough.
  end(1)
  await settled()
  assert.deepEqual(began, [0, 1, 2])
  end(0)
  await settled()
  assert.deepEqual(began, [0, 1, 2, 3])
})

test('a turn that nobody waits for is free for whoever comes next', async () => {
  const starts = new Starts(1)
  const first = await starts.turn()
  first[Symbol.dispose]()
  const second = await starts.turn()
  second[Symbol.dispose]()
})

test('others do not wait for a start that hangs, and its end frees nothing twice', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] })
  const { began, end } = takeTurns(new Starts(1), 3)
  await settled()
  context.mock.timers.tick(1_999)
  await settled()
  assert.deepEqual(began, [0])
  context.mock.timers.tick(1)
  await settled()
  assert.deepEqual(began, [0, 1])
  end(0)
  await settled()
  assert.deepEqual(began, [0, 1])
})
