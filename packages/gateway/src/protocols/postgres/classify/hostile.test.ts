/**
 * A thousand statements made to break or stall the parser, while others work: every small statement is answered, and rightly, and how much
 * longer that takes is printed. The figures are not asserted: they belong to the machine as much as to the code.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Classification } from '../classifier.ts'
import { processClock } from '../../../../testkit/gate.ts'
import { patience } from '../../../../testkit/patience.ts'
import { createClassifier, type WorkerClassifier } from './create-classifier.ts'
import { meaning } from './testkit/vectors.ts'

const MEBIBYTE = 1024 * 1024

/** A number picks one; the stall comes once in two hundred. */
const hostile: readonly ((salt: number) => string)[] = [
  (salt) => `select ${salt}${'+1'.repeat(20_000)}`,
  (salt) => `select ${'('.repeat(5000)}${salt}${')'.repeat(5000)}`,
  (salt) => `select ${salt}${' operator(pg_catalog.+) 1'.repeat(2500)}`,
  (salt) => `select ${salt}${'+1'.repeat(800)}`,
  (salt) => `select ${'case when true then '.repeat(200)}${salt}${' end'.repeat(200)}`,
  (salt) => `select ${'(select '.repeat(200)}${salt}${')'.repeat(200)}`,
  (salt) => `select ${salt} ${'+'.repeat(20_000)} 1`,
  (salt) => `select ${salt} ${'/*'.repeat(20_000)}`,
  (salt) => `select ${salt}${' union select 1'.repeat(300)}`,
  (salt) =>
    salt % 200 === 9 ? `select ${'1,'.repeat(120_000)}${salt}` : `select '${'x'.repeat(MEBIBYTE / 8)}${salt}'`,
]

const COUNT = 1000

let classifier: WorkerClassifier

before(async () => {
  // The stall is told apart sooner than by default, so that the test need not wait.
  classifier = createClassifier({ clock: processClock, ...patience, heavyTimeoutMs: 200 })
  await classifier.ready()
})

after(() => classifier[Symbol.asyncDispose]())

let salt = 0

/** Sends small statements, no two alike, one after the other until told to stop; returns how long each took in milliseconds. */
async function work(isOver: () => boolean): Promise<readonly number[]> {
  const session = {}
  const latencies: number[] = []
  while (!isOver()) {
    const text = `select a, b from t${salt % 7} where x = ${salt++}`
    const begun = performance.now()
    const answer = await classifier.classify(text, meaning, session)
    latencies.push(performance.now() - begun)
    assertRight(answer, text)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return latencies
}

function assertRight(answer: Classification, text: string): void {
  assert.equal(answer.kind, 'statements', text)
  const [statement, ...others] = answer.kind === 'statements' ? answer.statements : []
  assert.equal(others.length, 0)
  assert.equal(statement?.shape.template, text.replace(/\d+$/, '?'))
  const [access] = statement.shape.accesses
  assert.deepEqual(access?.columns, ['a', 'b', 'x'])
  assert.equal(access.object.kind === 'table' && access.object.name, text.split(' ')[4])
}

/** Sends its share of the hostile statements, one after the other, and counts what they are answered. */
async function attack(first: number, step: number, answers: Map<string, number>): Promise<void> {
  const session = {}
  for (let index = first; index < COUNT; index += step) {
    const text = hostile[index % hostile.length]?.(index) ?? ''
    const answer = await classifier.classify(text, meaning, session)
    const word = answer.kind === 'failed' ? answer.code : answer.kind
    answers.set(word, (answers.get(word) ?? 0) + 1)
  }
}

const percentile = (sorted: readonly number[], part: number): string =>
  (sorted[Math.floor((sorted.length - 1) * part)] ?? Number.NaN).toFixed(2)

function figures(runs: readonly (readonly number[])[]): string {
  const sorted = runs.flat().toSorted((a, b) => a - b)
  const [p50, p90, p99] = [0.5, 0.9, 0.99].map((part) => percentile(sorted, part))
  return `${sorted.length} statements, p50 ${p50} ms, p90 ${p90} ms, p99 ${p99} ms`
}

test('a thousand hostile statements leave the others answered', async (t) => {
  let isOver = false
  const idle = Promise.all(Array.from({ length: 4 }, () => work(() => isOver)))
  await new Promise((resolve) => setTimeout(resolve, 2000))
  isOver = true
  t.diagnostic(`idle:     ${figures(await idle)}`)

  isOver = false
  const attacked = Promise.all(Array.from({ length: 4 }, () => work(() => isOver)))
  const answers = new Map<string, number>()
  await Promise.all(Array.from({ length: 16 }, (_, first) => attack(first, 16, answers)))
  isOver = true
  t.diagnostic(`attacked: ${figures(await attacked)}`)
  t.diagnostic(`hostile:  ${[...answers].map(([word, count]) => `${count} ${word}`).join(', ')}`)
  assert.equal(
    [...answers.values()].reduce((sum, count) => sum + count, 0),
    COUNT,
  )
  // Workers were lost, and nobody but the attackers noticed.
  assert.ok((answers.get('SP_CLASSIFIER_FAILED') ?? 0) >= 1)
})
