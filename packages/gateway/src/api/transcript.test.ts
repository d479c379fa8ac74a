/** What is read of sessions and single records, over a trail that the writing side wrote. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatRef } from '#base'
import { apiOver, dana, json, recordStory } from '../../testkit/recorded-api.ts'
import { alice, bob, callSession } from '../../testkit/recorded-trail.ts'
import type { RecordExplanation, RecordList } from './contract.ts'
import type { Transcript } from './transcript-contract.ts'

test('a transcript shows each operation in order, what it caused, who approved it, and the proof', async (t) => {
  const { recorded, ...at } = await recordStory(t)
  const ask = apiOver(recorded, dana, 'readTrail', 'openPayload')
  const transcript = await json<Transcript>(ask(`/sessions/${callSession.id}/transcript`))
  const { entries } = transcript
  assert.deepEqual(
    entries.map(({ sequence, leaf }) => [sequence, leaf['class_uid']]),
    [
      [entries[0]?.sequence, 3003],
      [at.lookup, 6003],
      [at.held, 6003],
      [at.asked, 3004],
      [at.ran, 6003],
      [entries[5]?.sequence, 3003],
    ],
  )
  const [, lookup, held, , ran] = entries
  assert.equal(lookup?.payload, '{"tool":"lookup_customer","arguments":{"id":7}}')
  const [sql, ...more] = lookup.caused ?? []
  assert.deepEqual([sql?.sequence, more.length], [at.sql, 0])
  assert.equal(sql?.payload, '{"statement":"select id from customers where id = 7"}')
  assert.ok(sql.outcome !== undefined && sql.proof !== undefined && sql.outcomeProof !== undefined)
  for (const entry of [held, ran]) {
    assert.deepEqual(
      entry?.request?.map(({ sequence }) => sequence),
      [at.asked, at.approved],
    )
  }
  for (const entry of entries) {
    assert.equal(entry.proof?.sequence, entry.sequence)
    assert.ok(transcript.head.size > entry.sequence)
  }
  assert.deepEqual(transcript.names, { [alice.id]: alice.name, [bob.id]: bob.name })
  assert.equal(transcript.next, undefined)
})

test('that a transcript was opened is on record before anything of it is shown', async (t) => {
  const { recorded, lookup } = await recordStory(t)
  const ask = apiOver(recorded, dana, 'readTrail', 'openPayload')
  const { entries, ref } = await json<Transcript>(ask(`/sessions/${callSession.id}/transcript?limit=2`))
  await recorded.caughtUp()
  const { rows } = await recorded.reader.query({ identity: dana.id, limit: 9 })
  assert.deepEqual(
    rows.map(({ sequence }) => formatRef(sequence)),
    [ref],
  )
  const unmapped = rows[0]?.leaf['unmapped'] as { activity: string; details: object }
  assert.equal(unmapped.activity, 'transcript-open')
  const { first, last, records, payloads, session } = unmapped.details as Record<string, unknown>
  assert.deepEqual([session, first, last], [callSession.id, entries[0]?.sequence, lookup])
  assert.deepEqual([records, payloads], [3, 2], 'the opening, the call, and what it caused')
})

test('a transcript comes in pages', async (t) => {
  const { recorded } = await recordStory(t)
  const ask = apiOver(recorded, dana, 'readTrail')
  const path = `/sessions/${callSession.id}/transcript`
  const whole = await json<Transcript>(ask(path))
  const sequences: number[] = []
  let after: number | undefined = -1
  while (after !== undefined) {
    const page: Transcript = await json<Transcript>(ask(`${path}?limit=2&after=${after}`))
    sequences.push(...page.entries.map(({ sequence }) => sequence))
    after = page.next
  }
  assert.deepEqual(
    sequences,
    whole.entries.map(({ sequence }) => sequence),
  )
})

test('whoever may read the trail but not payloads sees none', async (t) => {
  const { recorded } = await recordStory(t)
  const ask = apiOver(recorded, dana, 'readTrail')
  const response = await ask(`/sessions/${callSession.id}/transcript`)
  const text = await response.text()
  assert.ok(!text.includes('"amount"') && !text.includes('where id = 7'))
  assert.equal((JSON.parse(text) as Transcript).payloads, 'not-permitted')
})

test('whoever may not read the trail does not learn whether there was such a session', async (t) => {
  const { recorded } = await recordStory(t)
  const ask = apiOver(recorded, dana, 'openPayload')
  for (const session of [callSession.id, 'ses_none'])
    assert.equal((await ask(`/sessions/${session}/transcript`)).status, 403)
  const auditor = apiOver(recorded, dana, 'readTrail')
  assert.equal((await auditor('/sessions/ses_none/transcript')).status, 404)
  await recorded.caughtUp()
  const { rows } = await recorded.reader.query({ identity: dana.id, limit: 9 })
  assert.deepEqual(
    rows.map(({ leaf }) => leaf['status_id']),
    [1, 2, 2],
  )
})

test('why shows the call behind a statement, what a call caused, and who approved it', async (t) => {
  const { recorded, ...at } = await recordStory(t)
  const ask = apiOver(recorded, alice)
  const explained = (sequence: number): Promise<RecordExplanation> =>
    json<RecordExplanation>(ask(`/records/${formatRef(sequence)}`))
  const numbers = (views: readonly { readonly sequence: number }[]): readonly number[] =>
    views.map(({ sequence }) => sequence)
  const sql = await explained(at.sql)
  assert.deepEqual([numbers(sql.causes), numbers(sql.caused)], [[at.lookup], []])
  const lookup = await explained(at.lookup)
  assert.deepEqual([numbers(lookup.causes), numbers(lookup.caused)], [[], [at.sql]])
  for (const sequence of [at.held, at.ran, at.asked]) {
    const explanation = await explained(sequence)
    assert.deepEqual(numbers(explanation.request), [at.asked, at.approved, at.ran])
    assert.equal(explanation.names[bob.id], bob.name)
  }
})

test('the log is searched by server, tool, agent and request', async (t) => {
  const { recorded, ref, ...at } = await recordStory(t)
  const ask = apiOver(recorded, dana, 'readTrail')
  const found = async (query: string): Promise<readonly number[]> =>
    (await json<RecordList>(ask(`/records?phase=intent&${query}`))).records.map(({ sequence }) => sequence)
  assert.deepEqual(await found('server=ledger'), [at.ran, at.held, at.sql, at.lookup])
  assert.deepEqual(await found('tool=lookup_customer'), [at.sql, at.lookup])
  assert.deepEqual(await found('agent=claude-code&tool=refund'), [at.ran, at.held])
  assert.deepEqual(await found(`approval=${ref}`), [at.ran])
})
