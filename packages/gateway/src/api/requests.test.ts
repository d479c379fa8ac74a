/** Requests over HTTP: who sees which, who may answer, what is on record of it. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { formatRef, parseRef, Secret, toUtf8 } from '#base'
import { createApprovals } from '#approvals'
import type { BoundaryAction, Decision, EventEntry, HeldOperation, IntentEntry, Person, TrailEvent } from '#model'
import { openStore } from '#storage'
import { createSealer } from '#vault'
import { createApi, type Problem, type RequestList, type RequestView } from './index.ts'
import type { ApiServices } from './services.ts'

const person = (name: string, groups: readonly string[], more: Partial<Person> = {}): Person => ({
  kind: 'person',
  id: `usr_${name}`,
  issuer: 'https://idp',
  subject: name,
  name: `${name}@example.com`,
  groups,
  mfa: true,
  ...more,
})

const agent = { id: 'claude', name: 'Claude' }
/** Tokens are the names of those whom they belong to. */
const people: Readonly<Record<string, Person>> = {
  alice: person('alice', ['support']),
  bob: person('bob', ['security']),
  alicesAgent: person('alice', ['support'], { agent }),
  bobsAgent: person('bob', ['security'], { agent }),
  carol: person('carol', ['payments']),
  dana: person('dana', ['auditors']),
  root: person('root', ['administrators']),
}

const MAY: Readonly<Record<string, readonly BoundaryAction[]>> = {
  usr_dana: ['readTrail', 'openPayload'],
  usr_root: ['readTrail', 'revoke', 'endSession', 'setSecret'],
}

async function openApi() {
  const folder = mkdtempSync(path.join(tmpdir(), 'sallyport-requests-'))
  const store = await openStore({ file: path.join(folder, 'store.db') })
  const events: TrailEvent[] = []
  const trail = {
    record: async (entries: readonly (IntentEntry | EventEntry)[]) => {
      await Promise.resolve()
      return entries.map((entry) => ({ sequence: entry.kind === 'event' ? 50 + events.push(entry.event) : 0 }))
    },
    conclude: () => undefined,
  }
  /** Tokens that are good no more. */
  const revoked = new Set<string>()
  const clock = { nowMs: () => 1_000_000, monotonicMs: () => 1_000_000 }
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const approvals = await createApprovals({
    store: store.requests,
    keys: store.keys,
    sealer: createSealer(new Secret(new Uint8Array(32))),
    trail,
    scrubber: { scrub: (bytes) => bytes, scrubText: (text) => text },
    clock,
    log,
  })
  const decide = (id: string, action: BoundaryAction): Decision => {
    const outcome = MAY[id]?.includes(action) === true ? 'allow' : 'deny'
    return { outcome, policies: [], policyHash: 'h' }
  }
  const services = {
    clock,
    log,
    trail,
    approvals,
    policy: () => ({ decideBoundary: ({ id }: Person, action: BoundaryAction) => decide(id, action) }),
    reader: { payload: () => Promise.resolve(toUtf8('{"statement":"as recorded"}')) },
    logins: {
      verify: (secret: { expose(): string }) => {
        const identity = revoked.has(secret.expose()) ? undefined : people[secret.expose()]
        const known = { kind: 'verified', identity, tokenId: 't', grantId: 'g', grantEndsAtMs: 2_000_000 }
        return Promise.resolve(identity === undefined ? { kind: 'rejected', code: 'SP_AUTH_TOKEN_UNKNOWN' } : known)
      },
      names: (ids: readonly string[]) =>
        Promise.resolve(Object.fromEntries(ids.map((id) => [id, id.replace('usr_', '')]))),
    },
  } as unknown as ApiServices
  const app = createApi(services)
  const send = async (who: string, at: string, more: RequestInit): Promise<Response> =>
    await app.request(
      `/api/v1/requests${at}`,
      { ...more, headers: { authorization: `Bearer ${who}`, 'content-type': 'application/json', ...more.headers } },
      { incoming: { socket: { remoteAddress: '127.0.0.1', remotePort: 1 } } },
    )
  const ask = async (who: string, at: string, body?: unknown): Promise<Response> =>
    await send(who, at, body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) })
  const listed = async (who: string, query = ''): Promise<readonly string[]> =>
    ((await (await ask(who, query)).json()) as RequestList).requests.map(({ ref }) => ref)
  const dispose = async (): Promise<void> => {
    await store.close()
    rmSync(folder, { recursive: true })
  }
  return { approvals, events, revoked, send, ask, listed, [Symbol.asyncDispose]: dispose }
}

/** A JSON text whose end has not arrived yet. */
function slow(text: string): { readonly init: RequestInit; readonly finish: () => void } {
  let end = (): void => undefined
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      controller.enqueue(toUtf8(text.slice(0, -1)))
      end = () => {
        controller.enqueue(toUtf8(text.slice(-1)))
        controller.close()
      }
    },
  })
  return {
    init: { method: 'POST', headers: { 'content-length': String(text.length) }, body, duplex: 'half' },
    finish: () => {
      end()
    },
  }
}

function held(text: string, identity = people['alice'] ?? assert.fail(), need = 'security:1'): HeldOperation {
  const shape = { verb: 'DELETE', accesses: [], template: 'DELETE FROM customers WHERE id = ?', fingerprint: 'f' }
  const client = { address: '::1', port: 1, tls: true }
  const resource = { name: 'cards', kind: 'postgres', tables: [] } as const
  const session = { id: 's', identity, resource, tokenId: 't', grantId: 'g', startedAtMs: 1, endsAtMs: 2, client }
  const decision = { outcome: 'hold', policies: ['guard'], policyHash: 'h', need, reason: 'it needs somebody' } as const
  return { session, operation: { shape, payload: toUtf8(text) }, scrubbed: toUtf8(text), decided: { shape, decision } }
}

test('requests are listed for who asked, who may answer, and who may read the trail; listing is on record', async () => {
  await using api = await openApi()
  const { ref } = await api.approvals.ask(held('{"statement":"x"}'), 5)
  const { ref: bobs } = await api.approvals.ask(held('y', people['bob'], 'payments:1'), 6)
  const seen = async (who: string) => (await api.listed(who)).toSorted()
  assert.deepEqual(await seen('alice'), [ref])
  assert.deepEqual(await seen('bob'), [ref, bobs])
  assert.deepEqual(await seen('carol'), [bobs])
  assert.deepEqual(await seen('dana'), [ref, bobs])
  assert.deepEqual(await api.listed('bob', '?mine=true'), [bobs])
  assert.deepEqual(await api.listed('bob', '?status=denied'), [])
  assert.equal((await api.ask('bob', '?status=lost')).status, 400)
  assert.equal((await api.ask('nobody', '')).status, 401)
  const last = api.events.findLast(({ activity }) => activity === 'list-requests')
  assert.deepEqual(last?.details, { mine: false, status: 'denied' })
})

test('showing a request opens what was asked, and is on record before', async () => {
  await using api = await openApi()
  const { ref } = await api.approvals.ask(held('{"statement":"DELETE …"}'), 5)
  const view = (await (await api.ask('bob', `/${ref.toLowerCase()}`)).json()) as RequestView
  assert.equal(view.payload, '{"statement":"DELETE …"}')
  assert.deepEqual(
    [view.request.mayAnswer, view.request.missing, view.names['usr_alice']],
    [true, 'security:1', 'alice'],
  )
  assert.ok(!('sealed' in view.request) && !('digest' in view.request))
  const { activity, actor, details } = api.events.at(-1) ?? {}
  assert.deepEqual([activity, actor?.id, details], ['show-request', 'usr_bob', { ref }])
  const roots = (await (await api.ask('root', `/${ref}`)).json()) as RequestView
  assert.deepEqual([roots.request.ref, roots.payload], [ref, undefined], 'who may read the trail may not open payloads')
  const before = api.events.length
  for (const [who, at] of [
    ['carol', ref],
    ['bob', formatRef(9)],
    ['bob', 'nonsense'],
  ] as const)
    assert.equal((await api.ask(who, `/${at}`)).status, 404)
  assert.equal(api.events.length, before)
})

test('an approver approves; the next answer is a conflict; afterwards the record has what was asked', async () => {
  await using api = await openApi()
  const { ref } = await api.approvals.ask(held('x'), 5)
  const approved = await api.ask('bob', `/${ref}/approve`, { reason: 'ticket 7' })
  assert.equal(approved.status, 200)
  assert.equal(((await approved.json()) as RequestView).request.status, 'approved')
  const again = await api.ask('bob', `/${ref}/deny`, { reason: 'no' })
  assert.equal(again.status, 409)
  assert.equal(((await again.json()) as Problem).code, 'SP_APPROVAL_OVER')
  await api.approvals.take(held('x'))
  for (const who of ['alice', 'bob', 'dana']) {
    const view = (await (await api.ask(who, `/${ref}`)).json()) as RequestView
    assert.equal(view.payload, '{"statement":"as recorded"}', who)
  }
  const roots = (await (await api.ask('root', `/${ref}`)).json()) as RequestView
  assert.equal(roots.payload, undefined)
})

const refused = ['alice', 'alicesAgent', 'dana', 'root']
for (const who of refused) {
  for (const answer of ['approve', 'deny']) {
    test(`${who} may not ${answer}: 403, on record with a reference`, async () => {
      await using api = await openApi()
      const { ref } = await api.approvals.ask(held('x', people['alice']), 5)
      const response = await api.ask(who, `/${ref}/${answer}`, { reason: 'because' })
      assert.equal(response.status, 403)
      const problem = (await response.json()) as Problem
      assert.equal(problem.code, 'SP_APPROVAL_NOT_YOURS')
      assert.equal(parseRef(problem.ref ?? ''), 50 + api.events.length)
      assert.equal(problem.next, `see who may with: sallyport show ${ref}`)
      const { activity, status, actor } = api.events.at(-1) ?? {}
      assert.deepEqual([activity, status, actor?.id], [`request-${answer}`, 'failure', people[who]?.id])
      assert.equal((await api.approvals.find(ref, people['bob'] ?? assert.fail(), false))?.status, 'open')
    })
  }
}

for (const who of ['carol', 'bobsAgent']) {
  test(`${who}, who may not know of a request, answers as if there were none; each attempt is on record`, async () => {
    await using api = await openApi()
    const { ref } = await api.approvals.ask(held('x'), 5)
    const none = formatRef(9)
    for (const answer of ['approve', 'deny']) {
      const said: Problem[] = []
      for (const tried of [ref, none]) {
        const response = await api.ask(who, `/${tried}/${answer}`, { reason: 'because' })
        assert.equal(response.status, 404)
        const problem = (await response.json()) as Problem
        assert.equal(parseRef(problem.ref ?? ''), 50 + api.events.length)
        const { activity, status, code, actor, details } = api.events.at(-1) ?? {}
        assert.deepEqual(
          [activity, status, code, actor?.id, details],
          [`${answer}-request`, 'failure', 'SP_API_NOT_FOUND', people[who]?.id, { ref: tried }],
        )
        said.push({ ...problem, ref: '', detail: problem.detail.replace(tried, '') })
      }
      assert.deepEqual(said[0], said[1])
    }
  })
}

test('a denial has a reason; bodies are read strictly', async () => {
  await using api = await openApi()
  const { ref } = await api.approvals.ask(held('x'), 5)
  assert.equal((await api.ask('bob', `/${ref}/deny`, {})).status, 400)
  assert.equal((await api.ask('bob', `/${ref}/approve`, { reason: 'x', by: 'carol' })).status, 400)
  assert.equal((await api.ask('bob', `/${ref}/approve`, { reason: 'x'.repeat(501) })).status, 400)
  assert.equal((await api.ask('bob', `/${ref}/deny`, { reason: 'use the runbook' })).status, 200)
})

test('whoever is revoked before their answer has arrived whole has not answered', async () => {
  await using api = await openApi()
  const { ref } = await api.approvals.ask(held('x'), 5)
  const { init, finish } = slow('{"reason":"fine"}')
  const answered = api.send('bob', `/${ref}/approve`, init)
  // Everything that does not wait for the rest is done.
  await setImmediate()
  api.revoked.add('bob')
  finish()
  assert.equal((await answered).status, 401)
  assert.deepEqual(await api.listed('dana', '?status=open'), [ref])
})
