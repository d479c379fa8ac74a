import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import type { Classification, ClassifiedStatement, ClassifierSettings } from '../classifier.ts'
import { processClock } from '../../../../testkit/gate.ts'
import { patience } from '../../../../testkit/patience.ts'
import { createClassifier, type WorkerClassifier } from './create-classifier.ts'
import { formatAccess, meaning, readVectors } from './testkit/vectors.ts'

function statementsOf(classification: Classification): readonly ClassifiedStatement[] {
  assert.equal(classification.kind, 'statements')
  return classification.kind === 'statements' ? classification.statements : []
}

function codeOf(classification: Classification): string {
  return classification.kind === 'failed' ? classification.code : classification.kind
}

/** A text that takes the parser some hundred milliseconds, and one more of its kind with each number. */
const slow = (number: number): string => `select ${'1,'.repeat(120_000)}${number}`

describe('a classifier', () => {
  let classifier: WorkerClassifier

  before(async () => {
    classifier = createClassifier({ clock: processClock, ...patience })
    await classifier.ready()
  })

  after(() => classifier[Symbol.asyncDispose]())

  const classify = (text: string, settings: ClassifierSettings = meaning): Promise<Classification> =>
    classifier.classify(text, settings)

  test('says what the vectors say', async () => {
    const vectors = readVectors('queries')
    const found = await Promise.all(vectors.map(({ sql }) => classify(sql)))
    for (const [index, { accesses, template }] of vectors.entries()) {
      const [statement] = statementsOf(found[index] ?? { kind: 'statements', statements: [] })
      assert.deepEqual(statement?.shape.accesses.map(formatAccess), accesses)
      assert.equal(statement?.shape.template, template)
    }
  })

  test('gives the same answer for the same text, and the same shape for the same template', async () => {
    const one = await classify('select a from t where b = 1')
    assert.equal(await classify('select a from t where b = 1'), one)
    const [first] = statementsOf(one)
    const [second] = statementsOf(await classify("SELECT a FROM t WHERE b = '4111111111111111'"))
    assert.equal(second?.shape, first?.shape)
    assert.ok(Object.isFrozen(first?.shape) && Object.isFrozen(first?.shape.accesses[0]))
  })

  test('many at once that send the same text get the same answer', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => classify('select many from t')))
    assert.equal(new Set(answers).size, 1)
  })

  test('keeps apart what the settings make of a text', async () => {
    const [one] = statementsOf(await classify('select a from t', { database: 'cards', searchPath: 'public' }))
    const [two] = statementsOf(await classify('select a from t', { database: 'cards', searchPath: 'sales' }))
    assert.deepEqual(one?.shape.accesses.map(formatAccess), ['select public.t(a)'])
    assert.deepEqual(two?.shape.accesses.map(formatAccess), ['select sales.t(a)'])
    const [three] = statementsOf(await classify('select a from cards.public.t'))
    const [four] = statementsOf(await classify('select a from cards.public.t', { database: 'x', searchPath: 'public' }))
    assert.equal(three?.shape.incomplete, undefined)
    assert.equal(four?.shape.incomplete, 'a table of another database (cards) is not understood')
  })

  test('nothing is no statement', async () => {
    for (const text of ['', ';', ' ;; -- x\n']) assert.deepEqual(statementsOf(await classify(text)), [])
  })

  test('says where a syntax error is, without the text', async () => {
    const found = await classify("select '4111111111111111' frm t x")
    assert.equal(found.kind, 'syntax-error')
    assert.deepEqual(found, {
      kind: 'syntax-error',
      shape: found.kind === 'syntax-error' ? found.shape : undefined,
      position: 31,
      message: 'syntax error',
    })
    assert.ok(!JSON.stringify(found).includes('4111'))
  })

  test('refuses what no server would see as it is', async () => {
    for (const text of ["select 'a\0b'", 'select 1\0', "select '\ud800'"]) {
      assert.equal(codeOf(await classify(text)), 'SP_CLASSIFIER_FAILED')
    }
  })

  test('refuses what is too large', async () => {
    const mebibyte = 1024 * 1024
    const texts = [
      `select '${'x'.repeat(mebibyte - 8)}'`,
      `select '${'é'.repeat(mebibyte / 2)}'`,
      `select 1${'+1'.repeat(50_000)}`,
      ';'.repeat(2000),
    ]
    for (const text of texts) {
      const found = await classify(text)
      assert.equal(codeOf(found), 'SP_OPERATION_TOO_LARGE')
      assert.ok(found.kind === 'failed' && found.shape.incomplete !== undefined)
    }
    assert.equal((await classify(`select '${'x'.repeat(mebibyte - 9)}'`)).kind, 'statements')
  })
})

describe('a text that stalls the parser', () => {
  test('fails, and nothing else does', async () => {
    await using classifier = createClassifier({ clock: processClock, ...patience, heavyTimeoutMs: 100 })
    await classifier.ready()
    const [mallory, alice] = [{}, {}]
    const hostile = Array.from({ length: 3 }, (_, index) => classifier.classify(slow(index), meaning, mallory))
    const small = Array.from({ length: 200 }, (_, index) =>
      classifier.classify(`select ${index} from t`, meaning, alice),
    )
    for (const answer of await Promise.all(hostile)) assert.equal(codeOf(answer), 'SP_CLASSIFIER_FAILED')
    for (const answer of await Promise.all(small)) assert.equal(answer.kind, 'statements')
    // A large text of somebody else finds a worker again; one that has just started may take longer than this test gives it.
    const large = `select '${'x'.repeat(10_000)}'`
    let answer = await classifier.classify(large, meaning, alice)
    for (let more = 20; answer.kind === 'failed' && more > 0; more--) {
      answer = await classifier.classify(large, meaning, alice)
    }
    assert.equal(answer.kind, 'statements')
  })
})

describe('what waits is bounded', () => {
  test('for one session and for all', async () => {
    await using classifier = createClassifier({ clock: processClock, ...patience, maxQueued: 3 })
    await classifier.ready()
    const large = (index: number): string => `select '${'x'.repeat(5000 + index)}'`
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, index) => classifier.classify(large(index), meaning, {})),
    )
    const codes = answers.map(codeOf)
    assert.equal(codes.filter((code) => code === 'SP_CLASSIFIER_BUSY').length, 3)
    assert.deepEqual(codes.slice(0, 3), ['statements', 'statements', 'statements'])
  })
})

describe('the end', () => {
  test('answers what waits and what comes', async () => {
    const classifier = createClassifier({ clock: processClock })
    await classifier.ready()
    const waiting = [slow(1), slow(2), 'select 1'].map((text) => classifier.classify(text, meaning))
    await classifier[Symbol.asyncDispose]()
    for (const answer of await Promise.all(waiting)) assert.equal(codeOf(answer), 'SP_CLASSIFIER_FAILED')
    assert.equal(codeOf(await classifier.classify('select 2', meaning)), 'SP_CLASSIFIER_FAILED')
  })

  test('of the process is not held up by workers that have nothing to do', async () => {
    const door = new URL('./index.ts', import.meta.url).href
    const script = `const { createClassifier } = await import(${JSON.stringify(door)})
      const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() }
      const answer = await createClassifier({ clock }).classify('select 1', ${JSON.stringify(meaning)})
      console.log(answer.kind)`
    const options = [
      ...process.execArgv.filter((option) => option.startsWith('--conditions')),
      '--input-type=module',
      '-e',
    ]
    const { stdout } = await promisify(execFile)(process.execPath, [...options, script], { timeout: 60_000 })
    assert.equal(stdout, 'statements\n')
  })

  test('comes without having begun', async () => {
    await createClassifier({ clock: processClock })[Symbol.asyncDispose]()
  })
})
