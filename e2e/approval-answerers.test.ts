/**
 * Who may not answer a request, on every surface there is: the requester, whoever acts through an agent, a job, an auditor, an administrator, each also
 * for themselves. Refused, on record, and without effect; whoever may not know of a request hears no more than that there is none.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { connectAgent } from '../demo/agent.ts'
import { sallyport } from '../demo/command.ts'
import { api, apiToken, jobToken, tokenOf } from '../demo/people.ts'
import type { RecordList } from '#api'
import { type ApprovalBoundary, startApprovalBoundary } from './approval-boundary.ts'
import { fact } from './opened-trail.ts'
import { WireClient } from './wire-client.ts'

let boundary: ApprovalBoundary

before(async () => {
  boundary = await startApprovalBoundary()
})

after(() => boundary?.[Symbol.asyncDispose]())

/** The reference under which a statement of somebody's is held. */
async function heldStatement(user: string, password: string, sql: string): Promise<string> {
  const { postgresPort: port } = boundary.boundary
  await using client = await WireClient.connect({ host: '127.0.0.1', port, user, password, database: 'cards' })
  const before = new Set((await everyRequest()).map(({ ref }) => ref))
  assert.ok((await client.play({ query: sql })).includes('E 42501'))
  const [request] = (await everyRequest()).filter(({ ref }) => !before.has(ref))
  return request?.ref ?? assert.fail('nothing is held')
}

async function everyRequest(): Promise<readonly { readonly ref: string }[]> {
  const { requests } = await api<{ requests: { ref: string }[] }>(boundary.boundary, 'dana', '/requests?limit=500')
  return requests
}

/** The reference under which a call is held. */
async function heldCall(token: string, order: number): Promise<string> {
  using client = boundary.client(token)
  const { text } = await client.call('pay', `{"order":${order},"amount":150}`)
  return /sallyport approve ([0-9A-Z]+)/.exec(text)?.[1] ?? assert.fail(text)
}

/** Somebody tries both answers with a token at the API; the codes and references of the refusals. */
async function tryApi(
  ref: string,
  token: string,
): Promise<readonly { readonly code: string; readonly record: string }[]> {
  const said = await Promise.all(
    (['approve', 'deny'] as const).map(async (given) => {
      const { status, text } = await boundary.answer(ref, token, given)
      assert.ok(status === 401 || status === 403 || status === 404, text)
      return JSON.parse(text) as { code: string; ref: string }
    }),
  )
  return said.map(({ code, ref: record }) => ({ code, record }))
}

/** Exit codes of the command line: denied, and not found. */
const DENIED = 3
const NOT_FOUND = 6

/** Somebody tries an answer with the command line, which ends with this code; the reference of the refusal. */
async function tryCommand(
  ref: string,
  person: string,
  given: 'approve' | 'deny',
  expected: typeof DENIED | typeof NOT_FOUND,
): Promise<string> {
  const args = [given, ref, '--reason', 'a test', '--profile', person]
  const { exitCode, stderr } = await sallyport(boundary.boundary, ...args)
  assert.equal(exitCode, expected, stderr)
  return /\[ref ([0-9A-Z]+)\]/.exec(stderr)?.[1] ?? assert.fail(stderr)
}

/** Asserts that refused answers are on record under the names of who tried (by the reference of each), and that the request still waits. */
async function assertRefused(ref: string, refused: ReadonlyMap<string, string>): Promise<void> {
  assert.equal(await boundary.statusOf(ref), 'open')
  const { records } = await api<RecordList>(boundary.boundary, 'dana', '/records?limit=1000')
  for (const [one, actor] of refused) {
    const { leaf = assert.fail(`${one} is not on record`) } = records.find((record) => record.ref === one) ?? {}
    assert.match(String(fact(leaf, 'unmapped', 'activity')), /^(request-(approve|deny)|(approve|deny)-request)$/)
    assert.ok([fact(leaf, 'entity', 'uid'), fact(leaf, 'unmapped', 'details', 'ref')].includes(ref))
    assert.equal(fact(leaf, 'status_id'), 2)
    assert.equal(fact(leaf, 'actor', 'user', 'uid'), actor)
  }
  assert.deepEqual(await boundary.effects(), { payments: 0, changed: 0 })
}

/** The stable id of a person. */
async function idOf(person: string): Promise<string> {
  const { identity } = await api<{ identity: { id: string } }>(boundary.boundary, person, '/whoami')
  return identity.id
}

/** Those who neither asked, nor may answer, nor may read the trail. */
const UNKNOWING: ReadonlySet<string> = new Set(['erin', 'frank'])

const UPDATE = "update limits set note = 'mine' where id = "

test('nobody answers for themselves, nor who only reads or administers', async (t) => {
  const requests = {
    'a statement of alice': await heldStatement('alice', await tokenOf(boundary.boundary, 'alice'), `${UPDATE}1`),
    'a call by an agent of alice': await (async () => {
      await using agent = await connectAgent(boundary.boundary, 'alice', { resource: 'pay' })
      return await heldCall(agent.token(), 1)
    })(),
  }
  let count = 0
  for (const ref of Object.values(requests)) {
    const refused = new Map<string, string>()
    for (const person of ['alice', 'dana', 'erin', 'frank']) {
      const actor = await idOf(person)
      for (const { code, record } of await tryApi(ref, apiToken(boundary.boundary, person))) {
        assert.equal(code, UNKNOWING.has(person) ? 'SP_API_NOT_FOUND' : 'SP_APPROVAL_NOT_YOURS', person)
        refused.set(record, actor)
      }
      if (ref === requests['a statement of alice'])
        refused.set(await tryCommand(ref, person, 'approve', UNKNOWING.has(person) ? NOT_FOUND : DENIED), actor)
    }
    await assertRefused(ref, refused)
    count += refused.size
  }
  t.diagnostic(`${count} answers of the requester, an auditor, an administrator and a colleague: refused, on record`)
})

test('an administrator does not answer for herself, though her group is asked', async () => {
  const ref = await heldStatement('erin', await tokenOf(boundary.boundary, 'erin'), `${UPDATE}2`)
  const { request } = await api<{ request: { need: string; mayAnswer: boolean } }>(
    boundary.boundary,
    'erin',
    `/requests/${ref}`,
  )
  assert.deepEqual([request.need, request.mayAnswer], ['security:1', false])
  const refused = await tryApi(ref, apiToken(boundary.boundary, 'erin'))
  assert.deepEqual(
    refused.map(({ code }) => code),
    ['SP_APPROVAL_NOT_YOURS', 'SP_APPROVAL_NOT_YOURS'],
  )
  const byCommand = [await tryCommand(ref, 'erin', 'approve', DENIED), await tryCommand(ref, 'erin', 'deny', DENIED)]
  const erin = await idOf('erin')
  await assertRefused(ref, new Map([...refused.map(({ record }) => record), ...byCommand].map((one) => [one, erin])))
})

test('no job answers, neither for itself nor for others', async () => {
  const token = await jobToken(boundary.boundary)
  const refs = [
    await heldStatement('ci-bot', token, `${UPDATE}3`),
    await heldCall(token, 2),
    await heldStatement('alice', await tokenOf(boundary.boundary, 'alice'), `${UPDATE}4`),
  ]
  const refused = await Promise.all(refs.map((ref) => tryApi(ref, token)))
  await assertOnRecord(refused.flat())
  for (const ref of refs) assert.equal(await boundary.statusOf(ref), 'open')
})

test('no token of an agent answers: an agent of the approver, of the requester, and of whom it acts for', async (t) => {
  await using ofBob = await connectAgent(boundary.boundary, 'bob', { resource: 'pay' })
  await using ofAlice = await connectAgent(boundary.boundary, 'alice', { resource: 'pay' })
  const ref = await heldCall(ofAlice.token(), 3)
  // Nor does a token for a database, or for an MCP server without an agent.
  const others = await Promise.all(['cards', 'pay'].map((resource) => tokenOf(boundary.boundary, 'bob', resource)))
  const tokens = [ofBob.token(), ofAlice.token(), ...others]
  const refused = (await Promise.all(tokens.map((token) => tryApi(ref, token)))).flat()
  assert.deepEqual([...new Set(refused.map(({ code }) => code))], ['SP_API_UNAUTHENTICATED'])
  await assertOnRecord(refused)
  assert.equal(await boundary.statusOf(ref), 'open')
  await boundary.approve(ref)
  assert.equal(await boundary.statusOf(ref), 'approved')
  t.diagnostic('8 answers with tokens that are for something else: refused, on record; bob himself: taken')
})

/** Refusals without a request of their own: by the token, which is good for something else. */
async function assertOnRecord(refused: readonly { readonly record: string }[]): Promise<void> {
  const { records } = await api<RecordList>(boundary.boundary, 'dana', '/records?limit=200')
  for (const { record } of refused) {
    const found = records.find(({ ref }) => ref === record)
    assert.equal(fact(found?.leaf, 'status_id'), 2, record)
  }
}
