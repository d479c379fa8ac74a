import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { type Bytes, fromUtf8, toUtf8 } from '#base'
import { createScrubber } from '#masking'
import { type ScrubLimits, ThreadedScrubber } from './payload-scrubber.ts'

const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
const inline = createScrubber({})
/** The test number of the card schemes, in two halves. */
const card = `4111${'1'.repeat(12)}`

function start(t: TestContext, limits: Partial<ScrubLimits> = {}, entry?: URL): ThreadedScrubber {
  const scrubber = new ThreadedScrubber({ scrubber: inline, log, limits, ...(entry === undefined ? {} : { entry }) })
  t.after(() => scrubber[Symbol.asyncDispose]())
  return scrubber
}

/** A thread that does as the first byte of an order says: scrubs nothing, dies, hangs, or answers something else. */
const troubled = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort } from 'node:worker_threads'
    parentPort.on('message', ({ bytes }) => {
      switch (String.fromCharCode(bytes[0])) {
        case 'd': process.exit(1)
        case 'h': for (;;);
        case 't': throw new Error('thrown')
        case 's': return parentPort.postMessage(bytes.subarray(1))
        case 'n': return parentPort.postMessage(undefined)
        default: return parentPort.postMessage(bytes, [bytes.buffer])
      }
    })
    parentPort.postMessage('ready')
  `)}`,
)

function large(mark: string): Bytes {
  return toUtf8(mark.padEnd(20_000, ' '))
}

/** Large payloads handed over at once, each with its mark in front. */
function all(scrubber: ThreadedScrubber, ...marks: readonly string[]): Promise<readonly (Bytes | undefined)[]> {
  return Promise.all(marks.map(async (mark) => await scrubber.scrub(large(mark))))
}

test('a small payload is scrubbed at once', (t) => {
  const scrubbed = start(t).scrub(toUtf8(card))
  assert.ok(scrubbed instanceof Uint8Array)
  assert.equal(fromUtf8(scrubbed), `${'*'.repeat(12)}1111`)
})

test('large payloads are scrubbed as small ones are, and stay as they were', async (t) => {
  const scrubber = start(t)
  const payloads = Array.from({ length: 20 }, (_, index) => large(`${index}, ${card}`))
  const originals = payloads.map((payload) => payload.slice())
  const scrubbed = await Promise.all(
    payloads.map(async (payload) => {
      const answer = scrubber.scrub(payload)
      assert.ok(answer instanceof Promise)
      return await answer
    }),
  )
  assert.deepEqual(
    scrubbed,
    originals.map((original) => inline.scrub(original)),
  )
  assert.deepEqual(payloads, originals)
})

test('a batch of small payloads is scrubbed at once as far as they are small together', async (t) => {
  const scrubber = start(t, { orderBytes: 50_000 })
  let ahead = 0
  const answers = Array.from({ length: 40 }, (_, index) => {
    const payload = toUtf8(`${index}: ${card}${' '.repeat(4_000)}`)
    const answer = scrubber.scrub(payload, ahead)
    ahead += payload.length
    return { payload, answer, isAtOnce: answer instanceof Uint8Array }
  })
  const atOnce = answers.filter(({ isAtOnce }) => isAtOnce).length
  assert.equal(atOnce, 16)
  assert.ok(answers.slice(0, atOnce).every(({ isAtOnce }) => isAtOnce))
  for (const { payload, answer } of answers) assert.deepEqual(await answer, inline.scrub(payload))
})

test('what is too much at once is not scrubbed, by number or by bytes', async (t) => {
  for (const limits of [{ waiting: 2 }, { waitingBytes: 50_000 }]) {
    const scrubber = start(t, limits)
    const answers = await all(scrubber, 'a', 'b', 'c')
    assert.deepEqual(
      answers.map((answer) => answer !== undefined),
      [true, true, false],
    )
    assert.ok((await scrubber.scrub(large('d'))) !== undefined)
  }
})

const troubles = [
  ['dies', 'd'],
  ['hangs', 'h'],
  ['throws', 't'],
  ['answers too little', 's'],
  ['answers nothing', 'n'],
] as const
for (const [trouble, mark] of troubles) {
  test(`a thread that ${trouble} costs what it was given, and nothing else`, async (t) => {
    const scrubber = start(t, { workMs: 300, restartMs: 1, orderBytes: 1 }, troubled)
    await scrubber.start()
    const answers = await all(scrubber, 'before', mark, 'after')
    assert.deepEqual(
      answers.map((answer) => answer !== undefined),
      [true, false, true],
    )
  })
}

test('a payload waits only so long', async (t) => {
  const scrubber = start(t, { workMs: 60_000, waitMs: 300 }, troubled)
  assert.deepEqual(await all(scrubber, 'h', 'behind'), [undefined, undefined])
})

test('a thread that never comes up scrubs nothing', async (t) => {
  const scrubber = start(t, { waitMs: 300, restartMs: 50 }, new URL('data:text/javascript,process.exit(1)'))
  assert.equal(await scrubber.scrub(large('a')), undefined)
})

test('what waits when it is closed is not scrubbed, nor anything after', async (t) => {
  const scrubber = start(t, {}, troubled)
  const waiting = all(scrubber, 'h', 'behind')
  await scrubber[Symbol.asyncDispose]()
  assert.deepEqual(await waiting, [undefined, undefined])
  assert.equal(await scrubber.scrub(large('after')), undefined)
})
