import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { PATIENCE_MS } from '../../../../testkit/patience.ts'
import { type BatchOutcome, ParserWorker } from './parser-worker.ts'
import type { Job } from './worker.ts'
import { meaning } from './testkit/vectors.ts'

const job = (text: string): Job => ({ text, ...meaning })

/** A text that takes the parser some hundred milliseconds. */
const slow = job(`select ${'1,'.repeat(120_000)}1`)
/** No text at all: what the parser's binding answers to it is nothing that a worker may go on after. */
const odd = { ...meaning, text: { length: 0 } } as unknown as Job

describe('a worker', () => {
  let worker: ParserWorker

  before(async () => {
    worker = new ParserWorker(false)
    assert.equal(await worker.ready, true)
  })

  after(() => worker.dispose())

  test('answers each job of a batch, in order', async () => {
    const { answers, brokenAt } = await worker.run(
      ['select 1', 'selec', '', 'select 2; select 3'].map(job),
      PATIENCE_MS,
    )
    assert.equal(brokenAt, undefined)
    assert.deepEqual(
      answers.map((answer) => (answer.kind === 'statements' ? answer.statements.length : answer.kind)),
      [1, 'syntax-error', 0, 2],
    )
  })

  test('answers batch after batch', async () => {
    for (let index = 0; index < 20; index++) {
      const { answers } = await worker.run([job(`select ${index} from t${index}`)], PATIENCE_MS)
      assert.equal(answers.length, 1)
    }
  })
})

describe('a worker that breaks names the job', () => {
  /** Runs a batch on a fresh worker; on a loaded machine it may not have begun when its time is over, so again until it has. */
  async function breaking(batch: readonly Job[], timeoutMs: number): Promise<BatchOutcome> {
    for (let attempt = 0; attempt < 10; attempt++) {
      const worker = new ParserWorker(false)
      assert.equal(await worker.ready, true)
      const outcome = await worker.run(batch, timeoutMs)
      // Whatever it is asked afterwards, it answers nothing any more.
      assert.deepEqual(await worker.run([job('select 1')], PATIENCE_MS), { answers: [], brokenAt: -1 })
      if (outcome.brokenAt !== -1) return outcome
    }
    assert.fail('no worker began')
  }

  test('at an odd error, with the answers before it', async () => {
    const { answers, brokenAt } = await breaking([job('select 1'), odd, job('select 2')], PATIENCE_MS)
    assert.deepEqual([answers.length, brokenAt], [1, 1])
  })

  test('at a stall', async () => {
    const { answers, brokenAt } = await breaking([job('select 1'), slow, job('select 2')], 50)
    assert.deepEqual([answers.length, brokenAt], [0, 1])
  })

  test('at its end', async () => {
    const worker = new ParserWorker(true)
    assert.equal(await worker.ready, true)
    const outcome = worker.run([slow, slow], PATIENCE_MS)
    await worker.dispose()
    assert.deepEqual((await outcome).answers, [])
    assert.ok([0, -1].includes((await outcome).brokenAt ?? 1))
  })

  test('at its end before it came up', async () => {
    const worker = new ParserWorker(false)
    await worker.dispose()
    assert.equal(await worker.ready, false)
  })
})
