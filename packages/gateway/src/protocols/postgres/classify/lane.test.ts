import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type BatchWorker, Lane, type LaneLimits, type LaneResult, type WorkerSource } from './lane.ts'
import type { Parsed } from './parse.ts'
import type { BatchOutcome } from './parser-worker.ts'
import { meaning } from './testkit/vectors.ts'
import type { Job } from './worker.ts'

const parsed: Parsed = { kind: 'statements', statements: [] }

/** Workers in memory: a text that begins with `break` breaks its worker, one with `hold` waits to be let go. */
class Workers implements WorkerSource {
  readonly batches: (readonly string[])[] = []
  taken = 0
  discarded = 0
  failing = 0
  nowMs = 0
  /** What each batch takes. */
  takesMs = 0
  readonly #held: (() => void)[] = []

  take(): Promise<BatchWorker | undefined> {
    if (this.failing > 0) {
      this.failing--
      return Promise.resolve(undefined)
    }
    this.taken++
    return Promise.resolve({ run: (batch) => this.#run(batch) })
  }

  discard(): void {
    this.discarded++
  }

  /** Lets go what is held. */
  release(): void {
    for (const go of this.#held.splice(0)) go()
  }

  async #run(batch: readonly Job[]): Promise<BatchOutcome> {
    this.batches.push(batch.map(({ text }) => text))
    this.nowMs += this.takesMs
    if (batch.some(({ text }) => text.startsWith('hold'))) await new Promise<void>((go) => this.#held.push(go))
    const brokenAt = batch.findIndex(({ text }) => text.startsWith('break'))
    if (brokenAt < 0) return { answers: batch.map(() => parsed) }
    return { answers: batch.slice(0, Math.floor(brokenAt / 2)).map(() => parsed), brokenAt }
  }
}

const limits: LaneLimits = {
  workers: 1,
  batch: 8,
  queued: 100,
  queuedPerSession: 50,
  queuedLength: 1000,
  waitSeconds: 5,
  timeoutMs: 1000,
  recycleLength: 1_000_000,
  restMs: 0,
  restShare: 0,
}

const kinds = (results: readonly LaneResult[]): readonly string[] => results.map(({ kind }) => kind)

function laneOf(changes: Partial<LaneLimits> = {}): {
  readonly workers: Workers
  readonly blamed: object[]
  readonly submit: (text: string, session?: object) => Promise<LaneResult>
  readonly lane: Lane
} {
  const workers = new Workers()
  const blamed: object[] = []
  const lane = new Lane(
    workers,
    { ...limits, ...changes },
    { clock: { nowMs: () => 0, monotonicMs: () => workers.nowMs }, onBreak: (session) => blamed.push(session) },
  )
  const anyone = {}
  return { workers, blamed, lane, submit: (text, session = anyone) => lane.submit({ text, ...meaning }, session) }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('what comes in one turn goes in one message', async () => {
  const { workers, submit } = laneOf()
  await Promise.all(['a', 'b', 'c'].map((text) => submit(text)))
  await submit('d')
  assert.deepEqual(workers.batches, [['a', 'b', 'c'], ['d']])
  assert.equal(workers.taken, 1)
})

test('sessions take turns in a batch', async () => {
  const { workers, submit } = laneOf({ batch: 4 })
  const [alice, bob] = [{}, {}]
  await Promise.all([
    ...['a1', 'a2', 'a3', 'a4', 'a5'].map((text) => submit(text, alice)),
    ...['b1', 'b2'].map((text) => submit(text, bob)),
  ])
  assert.deepEqual(workers.batches, [
    ['a1', 'b1', 'a2', 'b2'],
    ['a3', 'a4', 'a5'],
  ])
})

test('a lane that leaves the machine to others rests as long as a batch took', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { workers, submit } = laneOf({ batch: 1, restShare: 1 })
  workers.takesMs = 40
  const [first, second] = [submit('a'), submit('b')]
  assert.deepEqual(kinds([await first]), ['statements'])
  await turn()
  t.mock.timers.tick(39)
  await turn()
  assert.deepEqual(workers.batches, [['a']])
  t.mock.timers.tick(1)
  assert.deepEqual(kinds([await second]), ['statements'])
})

describe('when a worker breaks', () => {
  test('its text fails, and the others are tried once more, each alone', async () => {
    const { workers, blamed, submit } = laneOf()
    const mallory = {}
    const results = await Promise.all([
      submit('a'),
      submit('b'),
      submit('break 1', mallory),
      submit('c'),
      submit('break 2', mallory),
      submit('d'),
    ])
    assert.deepEqual(kinds(results), ['statements', 'statements', 'broken', 'statements', 'broken', 'statements'])
    // Mallory's are second and fourth by their turn; what was answered before the first is not asked again.
    assert.deepEqual(workers.batches, [
      ['a', 'break 1', 'b', 'break 2', 'c', 'd'],
      ['a'],
      ['b'],
      ['break 2'],
      ['c'],
      ['d'],
    ])
    assert.deepEqual(blamed, [mallory, mallory])
    assert.deepEqual([workers.taken, workers.discarded], [3, 2])
  })

  test('a text that was lost twice without being at fault fails too', async () => {
    const { submit, workers, blamed } = laneOf()
    workers.take = () => Promise.resolve({ run: () => Promise.resolve({ answers: [], brokenAt: -1 }) })
    assert.deepEqual(kinds(await Promise.all([submit('a'), submit('b')])), ['broken', 'broken'])
    assert.deepEqual(blamed, [])
  })

  test('and none comes up, what waits fails; later ones get another chance', async () => {
    const { submit, workers } = laneOf()
    workers.failing = 3
    assert.deepEqual(kinds(await Promise.all([submit('a'), submit('b')])), ['broken', 'broken'])
    assert.deepEqual(kinds([await submit('c')]), ['statements'])
  })
})

describe('what waits is bounded', () => {
  const cases: readonly (readonly [
    name: string,
    changes: Partial<LaneLimits>,
    texts: readonly string[],
    busy: number,
  ])[] = [
    ['in number', { queued: 2 }, ['a', 'b', 'c', 'd'], 2],
    ['in number for a session', { queuedPerSession: 3 }, ['a', 'b', 'c', 'd'], 1],
    ['in length', { queuedLength: 10 }, ['12345', '12345', '1'], 1],
  ]
  for (const [name, changes, texts, busy] of cases) {
    test(name, async () => {
      const { submit } = laneOf(changes)
      const results = await Promise.all(texts.map((text) => submit(text)))
      assert.equal(kinds(results).filter((kind) => kind === 'busy').length, busy)
      assert.deepEqual(kinds([await submit('a')]), ['statements'])
    })
  }

  test('one session that fills its share leaves the others theirs', async () => {
    const { submit } = laneOf({ queuedPerSession: 2 })
    const [mallory, alice] = [{}, {}]
    const results = await Promise.all([
      submit('1', mallory),
      submit('2', mallory),
      submit('3', mallory),
      submit('4', alice),
    ])
    assert.deepEqual(kinds(results), ['statements', 'statements', 'busy', 'statements'])
  })

  test('in time', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    const { submit, workers } = laneOf({ batch: 1 })
    const held = submit('hold')
    await turn()
    const waiting = submit('a')
    t.mock.timers.tick(5000)
    const fresh = submit('b')
    t.mock.timers.tick(1000)
    assert.deepEqual(kinds([await waiting]), ['busy'])
    workers.release()
    assert.deepEqual(kinds(await Promise.all([held, fresh])), ['statements', 'statements'])
  })
})

test('two workers share the work', async () => {
  const { submit, workers } = laneOf({ workers: 2, batch: 1 })
  const held = submit('hold')
  const other = submit('a')
  assert.deepEqual(kinds([await other]), ['statements'])
  workers.release()
  assert.deepEqual(kinds([await held]), ['statements'])
  assert.equal(workers.taken, 2)
})

test('a worker is replaced when it has parsed enough', async () => {
  const { submit, workers } = laneOf({ recycleLength: 10 })
  for (const text of ['12345', '12345', '12345', '12345']) await submit(text)
  assert.deepEqual([workers.taken, workers.discarded], [2, 1])
})

test('at its end what waits fails', async () => {
  const { submit, workers, lane } = laneOf({ batch: 1 })
  const held = submit('hold')
  const waiting = submit('a')
  await turn()
  lane.close()
  assert.deepEqual(kinds([await waiting]), ['broken'])
  workers.release()
  await held
})
