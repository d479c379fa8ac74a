/** What people read of a trail, over one that was recorded. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { RecordExplanation, RecordList, Transcript } from '#api'
import { formatRef } from '#base'
import { apiOver, dana, json, recordStory } from '../../testkit/recorded-api.ts'
import { calling, callSession } from '../../testkit/recorded-trail.ts'
import { explanationText } from './explanation-text.ts'
import { payloadLines } from './payload-text.ts'
import { logRow } from './record-text.ts'
import { transcriptBody, transcriptFoot, transcriptHead } from './transcript-text.ts'

const TIMES = /\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/g

/** The story, and its text with times, references and hashes made the same every time. */
async function told(t: TestContext) {
  const { recorded, ...at } = await recordStory(t)
  const ask = apiOver(recorded, dana, 'readTrail', 'openPayload', 'explain')
  const numbers = new Map(Object.entries(at).map(([name, is]) => [typeof is === 'number' ? formatRef(is) : '', name]))
  numbers.delete('')
  const plain = (text: string): string => {
    let told = text.replaceAll(TIMES, 'T')
    for (const [ref, name] of numbers) told = told.replaceAll(ref, `<${name}>`)
    return told
  }
  return { recorded, ask, at, plain }
}

test('a row of the log shows the whole chain in one column', async (t) => {
  const { ask, plain } = await told(t)
  const { records, names } = await json<RecordList>(ask('/records?phase=intent'))
  const lines = records.toReversed().map((record) => plain(logRow(record, names).join(' | ')))
  assert.deepEqual(lines, [
    'T | <lookup> | alice@example.com via claude-code | ledger | allow | lookup_customer(id) | success, 1 rows',
    'T | <sql> | alice@example.com via claude-code via ledger/lookup_customer | cards | allow | ' +
      'select id from customers where id = $1 | success, 1 rows, 1 truncated',
    'T | <held> | alice@example.com via claude-code | ledger | hold | refund(id) | refused, 0 rows',
    'T | <ran> | alice@example.com via claude-code | ledger | allow | refund(id) | success, 1 rows',
    `T | ${records[0]?.ref} | alice@example.com via sallyport CLI | cards | allow | select id from customers where id = $1 | success, 1 rows`,
  ])
})

test('why shows both hops and the call behind a statement', async (t) => {
  const { ask, at, plain } = await told(t)
  const answer = await json<RecordExplanation>(ask(`/records/${formatRef(at.sql)}`))
  assert.deepEqual(plain(explanationText(answer, '{"statement":"select 1\\nfrom x","parameters":["7"]}')).split('\n'), [
    '<sql>  allow  T  alice@example.com via claude-code via ledger/lookup_customer → cards',
    '  what      select id from customers where id = $1',
    '  result    success, 1 rows, 1 truncated',
    '  person    alice@example.com (usr_alice)',
    '  agent     claude-code (cl_claude)',
    '  via       ledger/lookup_customer (process chd_1)',
    '  caused by <lookup>  alice@example.com via claude-code  ledger  lookup_customer(id)  success, 1 rows',
    '  explained',
    `  record    ${at.sql} of gw.example/trail/a`,
    '  payload   select 1',
    '            from x',
    '            with ["7"]',
  ])
})

test('why shows what a hold needs, who approved it and when, and what then ran', async (t) => {
  const { ask, at, plain } = await told(t)
  const held = await json<RecordExplanation>(ask(`/records/${at.ref}`))
  assert.deepEqual(plain(explanationText(held, undefined)).split('\n').slice(1, 9), [
    '  what      refund(id)',
    '  result    refused, 0 rows',
    '  person    alice@example.com (usr_alice)',
    '  agent     claude-code (cl_claude)',
    '  needs     payments-leads:1',
    '  approval  asked     T  <asked>  alice@example.com via claude-code',
    '            approved  T  <approved>  bob@example.com: ticket 4711',
    '            ran       T  <ran>  alice@example.com via claude-code',
  ])
  const ran = await json<RecordExplanation>(ask(`/records/${formatRef(at.ran)}`))
  assert.match(plain(explanationText(ran, undefined)), /approval  request <held>, approved by bob@example\.com\n/)
})

test('why of what was asked again shows the request that it found', async (t) => {
  const { recorded, ask, at, plain } = await told(t)
  const again = await recorded.operation({
    session: callSession,
    decided: calling('refund', { outcome: 'hold', need: 'payments-leads:1' }),
    outcome: { status: 'refused', rows: 0, bytes: 0, durationMs: 1, request: at.ref },
  })
  await recorded.caughtUp()
  const answer = await json<RecordExplanation>(ask(`/records/${formatRef(again)}`))
  assert.deepEqual(plain(explanationText(answer, undefined)).split('\n').slice(5, 9), [
    '  needs     payments-leads:1',
    '  approval  request <held>, which was asked before',
    '            asked     T  <asked>  alice@example.com via claude-code',
    '            approved  T  <approved>  bob@example.com: ticket 4711',
  ])
})

test('a transcript reads from top to bottom', async (t) => {
  const { ask, plain } = await told(t)
  const transcript = await json<Transcript>(ask(`/sessions/${callSession.id}/transcript`))
  assert.match(
    transcriptHead(transcript),
    /^session ses_call {2}alice@example\.com via claude-code → ledger\n {2}since /,
  )
  const body = plain(transcriptBody(transcript)).replaceAll(/leaf [0-9a-f]{16}…/g, 'leaf')
  assert.deepEqual(body.split('\n').slice(1, 23), [
    'T  <lookup>  allow  lookup_customer(id)',
    '      payload   {"id":7}',
    '      policy    agents-call-lookup_customer (41d041d041d0)',
    '      result    success, 1 rows',
    `      proof     ${numbersOf(transcript, 1)}, leaf`,
    '      └ T  <sql>  allow  cards: select id from customers where id = $1',
    '              payload   select id from customers where id = 7',
    '              policy    reads-customers (41d041d041d0)',
    '              result    success, 1 rows, 1 truncated',
    '              masked    pan: 1 of 1 by declared-pan',
    `              proof     ${numbersOf(transcript, 1, 0)}, leaf`,
    'T  <held>  hold   refund(id)',
    '      payload   {"amount":250}',
    '      policy    agents-call-refund (41d041d041d0)',
    '      needs     payments-leads:1',
    '      approval  asked     T  <asked>  alice@example.com via claude-code',
    '                approved  T  <approved>  bob@example.com: ticket 4711',
    '      result    refused, 0 rows',
    `      proof     ${numbersOf(transcript, 2)}, leaf`,
    'T  <asked>  success  request-open',
    'T  <ran>  allow  refund(id)',
    '      payload   {"amount":250}',
  ])
  const foot = transcriptFoot(transcript)
  assert.ok(foot.includes(transcript.head.root) && foot.includes(`this reading is record ${transcript.ref}`))
  assert.ok(!foot.includes('policy does not let you'))
  assert.ok(transcriptFoot({ ...transcript, payloads: 'not-permitted' }).includes('policy does not let you'))
})

function numbersOf({ entries }: Transcript, at: number, caused?: number): string {
  const entry = caused === undefined ? entries[at] : entries[at]?.caused?.[caused]
  const end = (entry?.outcome?.['metadata'] as { readonly sequence?: number } | undefined)?.sequence
  return `records ${entry?.sequence} and ${end}`
}

test('arguments are shown as they were written', () => {
  const written =
    '{"tool":"a\\"arguments\\":1","definition":"d","arguments":{"amount": 1.50e2, "n":12345678901234567890}}'
  assert.deepEqual(payloadLines(written), ['{"amount": 1.50e2, "n":12345678901234567890}'])
  assert.deepEqual(payloadLines('{"unscrubbed":9}'), ['{"unscrubbed":9}'])
  assert.deepEqual(payloadLines('nothing'), ['nothing'])
})
