/** The small parts that bound what a child can make us do. */
import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import { fromUtf8, toUtf8 } from '#base'
import { GatewayError } from '#model'
import { Conversation } from './conversation.ts'
import { environmentOf } from './database-address.ts'
import { Lane } from './lane.ts'
import { Lines } from './lines.ts'
import { Setbacks } from './setbacks.ts'
import { StrayLines } from './stray-lines.ts'

test('lines are the same however they are cut into chunks', () => {
  const line = fc.stringMatching(/^[a-c]{0,8}$/)
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), fc.array(fc.nat(100), { maxLength: 8 }), (lines, cuts) => {
      const bytes = toUtf8(lines.map((text) => `${text}\n`).join(''))
      const edges = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length]
      const reader = new Lines(8)
      const read: string[] = []
      for (const [index, end] of edges.slice(1).entries()) {
        const ended = reader.take(bytes.slice(edges[index], end))
        read.push(...(ended?.map((part) => fromUtf8(part)) ?? ['too long']))
      }
      assert.deepEqual(read, lines)
    }),
    { numRuns: 1_000 },
  )
})

test('a line longer than the limit is none, whether it ends or not', () => {
  assert.equal(new Lines(8).take(toUtf8('123456789\n')), undefined)
  const reader = new Lines(8)
  assert.deepEqual(reader.take(toUtf8('12345678')), [])
  assert.equal(reader.take(toUtf8('9')), undefined)
})

/** A conversation with a server that is played by the test. */
function conversation(answerBytes = 1_000) {
  const [stdin, stdout] = [new PassThrough(), new PassThrough()]
  const heard: string[] = []
  const faults: string[] = []
  const talk = new Conversation(
    { stdin, stdout },
    { answerBytes },
    {
      notified: (method) => heard.push(method),
      broken: (fault) => faults.push(`${fault.code}: ${fault.message}`),
      said: (line) => heard.push(`stray ${fromUtf8(line)}`),
    },
  )
  const say = async (text: string): Promise<void> => {
    stdout.write(text)
    await new Promise(setImmediate)
  }
  const next = (): Buffer | null => stdin.read() as Buffer | null
  const said = (): string => {
    let text = ''
    for (let part = next(); part !== null; part = next()) text += part.toString()
    return text
  }
  return { talk, say, said, heard, faults }
}

test('an answer goes to who asked, once; one that nobody waits for is nobody’s', async () => {
  const { talk, say, said, faults } = conversation()
  const first = talk.request('a')
  const second = talk.request('b', toUtf8('{"x":\n1}'))
  assert.equal(
    said(),
    '{"jsonrpc":"2.0","id":1,"method":"a"}\n{"jsonrpc":"2.0","id":2,"method":"b","params":{"x": 1}}\n',
  )
  await say('{"jsonrpc":"2.0","id":2,"result":{"n":1.50}}\n{"jsonrpc":"2.0","id":"1","result":{"not":"mine"}}\n')
  await say('{"jsonrpc":"2.0","id":7,"result":{}}\n{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"no"}}\n')
  await say('{"jsonrpc":"2.0","id":1,"result":{"late":true}}\n')
  assert.equal(fromUtf8((await second.answer).value), '{"n":1.50}')
  assert.deepEqual(
    [(await first.answer).kind, fromUtf8((await first.answer).value)],
    ['error', '{"code":1,"message":"no"}'],
  )
  assert.deepEqual(faults, [])
})

test('what is no JSON-RPC ends it for all who wait', async () => {
  const says: readonly string[] = [
    '{"jsonrpc":"2.0"}\n',
    '{"jsonrpc":"1.0","id":1,"result":{}}\n',
    '{"jsonrpc":"2.0","id":1,"id":2,"result":{}}\n',
    '{"jsonrpc":"2.0","id":1,"result":{}\n',
    '{"jsonrpc":"2.0","id":1,"result":{},"error":{}}\n',
  ]
  for (const text of says) {
    const { talk, say, faults } = conversation()
    const asked = talk.request('a')
    await say(text)
    await assert.rejects(asked.answer, { code: 'SP_TOOL_SERVER_FAILED' }, text)
    assert.equal(faults.length, 1)
    await assert.rejects(talk.request('b').answer, { code: 'SP_TOOL_SERVER_FAILED' })
  }
})

test('more than anybody asked, strays without end, and what is never read end it', async () => {
  const unasked = conversation()
  for (let turn = 0; turn < 20; turn++)
    await unasked.say(`{"jsonrpc":"2.0","method":"${'x'.repeat(100)}"}\n`.repeat(500))
  assert.deepEqual(unasked.faults, ['SP_TOOL_SERVER_FAILED: it says more than anybody asked'])
  const strays = conversation()
  await strays.say('stray\n'.repeat(1_001))
  assert.deepEqual(strays.faults, ['SP_TOOL_SERVER_FAILED: it says what is no JSON-RPC'])
  const deaf = conversation()
  for (let turn = 0; turn < 9; turn++) deaf.talk.notify('x', new Uint8Array(1 << 20).fill(0x20))
  assert.deepEqual(deaf.faults, ['SP_TOOL_SERVER_FAILED: it does not read what it is sent'])
})

test('complaints are cut, and not through a number', () => {
  const written: string[] = []
  const words = new StrayLines(
    (line) => written.push(line),
    () => 0,
  )
  words.take(toUtf8(`${'x'.repeat(490)} 4111 1111 1111 1111\nshort\nunfinished ${'y'.repeat(480)} 4111111111111111`))
  words.take(toUtf8(' and more'))
  words.end()
  assert.equal(written.length, 3)
  assert.ok(written.every((line) => !/\d/.test(line)))
  for (let line = 0; line < 100; line++) words.take(toUtf8('again\n'))
  words.end()
  assert.equal(written.length, 21)
  assert.equal(written.at(-1), '… and 83 more lines')
})

test('each failure in a row waits longer, up to half a minute', () => {
  const clock = { now: 0, nowMs: () => 0, monotonicMs: (): number => clock.now }
  const setbacks = new Setbacks(clock)
  const waits = Array.from({ length: 10 }, () => {
    setbacks.note('key', 'it broke')
    const begun = clock.now
    for (;;) {
      try {
        setbacks.demandCalm('key')
        return clock.now - begun
      } catch (error) {
        assert.ok(error instanceof GatewayError && error.code === 'SP_TOOL_SERVER_FAILED')
        clock.now += 250
      }
    }
  })
  assert.deepEqual(waits, [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
  setbacks.note('key', 'it broke')
  setbacks.forget('key')
  setbacks.demandCalm('key')
})

test('a turn that comes to one who has given up goes on to the next', async () => {
  const lane = new Lane(2)
  const leave = await lane.enter()
  const gone = new AbortController()
  const second = lane.enter(gone.signal)
  const third = lane.enter()
  leave()
  gone.abort(new Error('gone'))
  await assert.rejects(second, /gone/)
  ;(await third)()
  assert.ok(lane.isFree)
})

test('the address can be had under another name, but not be replaced', () => {
  const address = { DATABASE_URL: 'ours', PGPASSWORD: 'secret' }
  const configured = { DSN: '${DATABASE_URL}?a', KEEP: '${HOME} ${PGNOTHING}', DATABASE_URL: 'theirs' }
  assert.deepEqual(environmentOf(configured, address), { DSN: 'ours?a', KEEP: '${HOME} ${PGNOTHING}', ...address })
  assert.deepEqual(environmentOf({ DATABASE_URL: 'theirs' }, {}), { DATABASE_URL: 'theirs' })
})
