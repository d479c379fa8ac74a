import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { toUtf8 } from '#base'
import type { ControlStore, RosterEntry, StoredArtefact, StoredLogin } from '#model'
import { requestCases } from './request-conformance.ts'

/** How the suite gets at the store under test. */
export interface StoreUnderTest {
  /** An open store that holds nothing. */
  readonly store: ControlStore
  /** Closes it and opens it again on what it kept. */
  reopen(): Promise<ControlStore>
  dispose(): Promise<void>
}

/** What every implementation of the control store must do. */
export function storeConformance(name: string, open: () => Promise<StoreUnderTest>): void {
  const check = (title: string, body: (store: ControlStore, under: StoreUnderTest) => Promise<void>): void => {
    test(title, async () => {
      const under = await open()
      try {
        await body(under.store, under)
      } finally {
        await under.dispose()
      }
    })
  }
  describe(`${name}: artefacts`, () => artefactCases(check))
  describe(`${name}: roster`, () => rosterCases(check))
  describe(`${name}: logins`, () => loginCases(check))
  describe(`${name}: revocations`, () => revocationCases(check))
  describe(`${name}: secrets and keys`, () => sealedCases(check))
  describe(`${name}: requests`, () => {
    requestCases(check)
  })
}

type Check = (title: string, body: (store: ControlStore, under: StoreUnderTest) => Promise<void>) => void

const digest = (seed: number): string => seed.toString(16).padStart(64, '0')

const artefact = (seed: number, more: Partial<StoredArtefact> = {}): StoredArtefact => ({
  model: 'AccessToken',
  digest: digest(seed),
  sealed: toUtf8(`sealed ${seed}`),
  expiresAtMs: 1_000,
  keepUntilMs: 2_000,
  ...more,
})

function artefactCases(check: Check): void {
  check('one comes back as it was written, with every name it has', async ({ identity: { artefacts } }) => {
    const full = artefact(1, {
      grantId: 'grt_1',
      tokenId: 'tok_1',
      uidDigest: digest(11),
      userCodeDigest: digest(12),
      keepUntilMs: Number.MAX_SAFE_INTEGER,
    })
    await artefacts.put(full)
    assert.deepEqual(await artefacts.find('AccessToken', digest(1)), full)
    assert.deepEqual(await artefacts.findByTokenId('tok_1'), full)
    assert.deepEqual(await artefacts.findByUid('AccessToken', digest(11)), full)
    assert.deepEqual(await artefacts.findByUserCode('AccessToken', digest(12)), full)
    assert.equal(await artefacts.findByUid('Session', digest(11)), undefined)
    assert.equal(await artefacts.find('AccessToken', digest(2)), undefined)
  })
  check('the same digest in another model is another artefact', async ({ identity: { artefacts } }) => {
    await artefacts.put(artefact(1))
    await artefacts.put(artefact(1, { model: 'Session' }))
    await artefacts.remove('Session', digest(1))
    assert.deepEqual(await artefacts.find('AccessToken', digest(1)), artefact(1))
  })
  check('those of a model are counted until they are swept', async ({ identity: { artefacts } }) => {
    assert.equal(await artefacts.count('AccessToken'), 0)
    await artefacts.put(artefact(1))
    await artefacts.put(artefact(1))
    await artefacts.put(artefact(2))
    await artefacts.put(artefact(3, { model: 'Session' }))
    assert.equal(await artefacts.count('AccessToken'), 2)
    await artefacts.remove('AccessToken', digest(2))
    assert.equal(await artefacts.count('AccessToken'), 1)
  })
  check('of callers that consume one at the same time, one wins', async ({ identity: { artefacts } }) => {
    await artefacts.put(artefact(1))
    const won = await Promise.all([1, 2, 3, 4].map((at) => artefacts.consume('AccessToken', digest(1), at)))
    assert.equal(won.filter(Boolean).length, 1)
    assert.equal(await artefacts.consume('AccessToken', digest(2), 1), false)
  })
  check('writing one again leaves it consumed; a release does not', async ({ identity: { artefacts } }) => {
    await artefacts.put(artefact(1))
    await artefacts.consume('AccessToken', digest(1), 77)
    await artefacts.put(artefact(1, { sealed: toUtf8('changed') }))
    assert.deepEqual(
      await artefacts.find('AccessToken', digest(1)),
      artefact(1, { sealed: toUtf8('changed'), consumedAtMs: 77 }),
    )
    await artefacts.release('AccessToken', digest(1))
    assert.equal(await artefacts.consume('AccessToken', digest(1), 78), true)
  })
  check('the end of a grant removes all that belongs to it and nothing else', async ({ identity: { artefacts } }) => {
    await artefacts.put(artefact(1, { grantId: 'grt_1' }))
    await artefacts.put(artefact(2, { grantId: 'grt_1', model: 'RefreshToken' }))
    await artefacts.put(artefact(3, { grantId: 'grt_2' }))
    await artefacts.put(artefact(4))
    await artefacts.removeByGrant('grt_1')
    const left = await Promise.all([1, 3, 4].map((seed) => artefacts.find('AccessToken', digest(seed))))
    assert.deepEqual(
      left.map((found) => found !== undefined),
      [false, true, true],
    )
    assert.equal(await artefacts.find('RefreshToken', digest(2)), undefined)
  })
  check('a sweep removes what need not be kept, at most as many as asked', async ({ identity: { artefacts } }) => {
    for (let seed = 1; seed <= 5; seed++) await artefacts.put(artefact(seed, { keepUntilMs: seed * 10 }))
    assert.equal(await artefacts.sweep(40, 3), 3)
    assert.equal(await artefacts.sweep(40, 3), 1)
    assert.equal(await artefacts.sweep(40, 3), 0)
    assert.deepEqual(await artefacts.find('AccessToken', digest(5)), artefact(5, { keepUntilMs: 50 }))
  })
}

const alice: RosterEntry = {
  id: 'usr_a',
  kind: 'person',
  issuer: 'https://idp.example',
  subject: 'a',
  name: 'Alice Ärmel',
  email: 'Alice@example.com',
  groups: ['support', 'zoë'],
  firstSeenMs: 5,
  lastSeenMs: 6,
}
const bot: RosterEntry = {
  id: 'ci-bot',
  kind: 'workload',
  issuer: 'https://ci.example',
  subject: 'repo:1',
  groups: [],
  firstSeenMs: 1,
  lastSeenMs: 1,
}

function rosterCases(check: Check): void {
  check('entries come back; the first sight stays, the rest follows', async ({ identity: { roster } }) => {
    await roster.put(alice)
    await roster.put({ ...alice, groups: ['leads'], email: 'a@example.com', firstSeenMs: 99, lastSeenMs: 99 })
    assert.deepEqual(await roster.find('usr_a'), {
      ...alice,
      groups: ['leads'],
      email: 'a@example.com',
      lastSeenMs: 99,
    })
  })
  check('several are found at once, unknown ones left out, too many refused', async ({ identity: { roster } }) => {
    await roster.put(alice)
    await roster.put(bot)
    assert.deepEqual(new Set(await roster.findAll(['usr_a', 'ci-bot', 'nobody'])), new Set([alice, bot]))
    assert.deepEqual(await roster.findAll([]), [])
    await assert.rejects(roster.findAll(Array.from({ length: 501 }, (_, index) => `usr_${index}`)), RangeError)
  })
  check('people are searched by id, name or e-mail, whole', async ({ identity: { roster } }) => {
    await roster.put(alice)
    await roster.put(bot)
    for (const text of ['usr_a', 'alice@EXAMPLE.com', 'Alice Ärmel'])
      assert.deepEqual(await roster.search(text, 2), [alice], text)
    for (const text of ['alice', '%', 'USR_A', '']) assert.deepEqual(await roster.search(text, 2), [], text)
  })
  check('lists page by id', async ({ identity: { roster } }) => {
    await roster.put(alice)
    await roster.put(bot)
    assert.deepEqual(await roster.list(1), [bot])
    assert.deepEqual(await roster.list(5, 'ci-bot'), [alice])
  })
  check('erasing takes name and e-mail and nothing else', async ({ identity: { roster } }) => {
    await roster.put(alice)
    assert.equal(await roster.erase('usr_a'), true)
    const { id, kind, issuer, subject, groups, firstSeenMs, lastSeenMs } = alice
    assert.deepEqual(await roster.find('usr_a'), { id, kind, issuer, subject, groups, firstSeenMs, lastSeenMs })
    assert.equal(await roster.erase('nobody'), false)
  })
}

const login = (seed: number, more: Partial<StoredLogin> = {}): StoredLogin => ({
  grantId: `grt_${seed}`,
  identityId: 'usr_a',
  clientId: 'sallyport-cli',
  mfa: seed % 2 === 1,
  createdAtMs: seed,
  endsAtMs: seed + 100,
  ...more,
})
const note = { atMs: 50, by: 'usr_b', reason: 'suspicious export' }

function loginCases(check: Check): void {
  check('logins come back, and a grant has one', async ({ identity: { logins } }) => {
    await logins.create(login(1))
    assert.deepEqual(await logins.find('grt_1'), login(1))
    assert.equal(await logins.find('grt_2'), undefined)
    await assert.rejects(logins.create(login(1)))
  })
  check('a revocation is noted once', async ({ identity: { logins } }) => {
    await logins.create(login(1))
    assert.equal(await logins.revoke('grt_1', note), true)
    assert.equal(await logins.revoke('grt_1', { ...note, by: 'usr_c' }), false)
    assert.equal(await logins.revoke('grt_9', note), false)
    assert.deepEqual(await logins.find('grt_1'), login(1, { revoked: note }))
  })
  check('all of an identity are revoked at once', async ({ identity: { logins } }) => {
    for (const seed of [1, 2, 3]) await logins.create(login(seed))
    await logins.create(login(4, { identityId: 'usr_z' }))
    await logins.revoke('grt_2', note)
    assert.deepEqual((await logins.revokeAll('usr_a', note)).toSorted(), ['grt_1', 'grt_3'])
    assert.deepEqual(await logins.revokeAll('usr_a', note), [])
    assert.deepEqual(await logins.find('grt_4'), login(4, { identityId: 'usr_z' }))
  })
  check('lists are newest first, of one identity or of all, active or all', async ({ identity: { logins } }) => {
    for (const seed of [1, 2, 3]) await logins.create(login(seed))
    await logins.create(login(4, { identityId: 'usr_z' }))
    await logins.revoke('grt_3', note)
    const ids = async (filter: Parameters<typeof logins.list>[0]): Promise<readonly string[]> =>
      (await logins.list(filter)).map(({ grantId }) => grantId)
    assert.deepEqual(await ids({ limit: 10 }), ['grt_4', 'grt_3', 'grt_2', 'grt_1'])
    assert.deepEqual(await ids({ limit: 10, identityId: 'usr_a', activeAtMs: 101 }), ['grt_2'])
    assert.deepEqual(await ids({ limit: 1 }), ['grt_4'])
  })
}

function revocationCases(check: Check): void {
  check('the latest of a kind and id counts, until swept', async ({ identity: { revocations } }) => {
    const revocation = { kind: 'token', id: 'tok_1', ...note, keepUntilMs: 100 } as const
    await revocations.put({ ...revocation, atMs: 1 })
    await revocations.put(revocation)
    await revocations.put({ ...revocation, id: 'tok_2', keepUntilMs: 200 })
    assert.deepEqual(await revocations.find('token', 'tok_1'), revocation)
    assert.equal(await revocations.find('identity', 'tok_1'), undefined)
    assert.equal(await revocations.sweep(100, 10), 1)
    assert.equal(await revocations.find('token', 'tok_1'), undefined)
    assert.notEqual(await revocations.find('token', 'tok_2'), undefined)
  })
}

function sealedCases(check: Check): void {
  const bytes = Uint8Array.from([0, 1, 2, 255])
  check('a secret is created once and replaced by who knows its version', async ({ secrets }) => {
    assert.equal(await secrets.create('cards', bytes, 10), true)
    assert.equal(await secrets.create('cards', toUtf8('other'), 11), false)
    assert.equal(await secrets.replace('cards', 1, toUtf8('new'), 20), true)
    assert.equal(await secrets.replace('cards', 1, toUtf8('lost'), 21), false)
    assert.equal(await secrets.replace('none', 1, bytes, 21), false)
    const facts = { name: 'cards', version: 2, createdAtMs: 10, rotatedAtMs: 20 }
    assert.deepEqual(await secrets.find('cards'), { ...facts, sealed: toUtf8('new') })
    assert.equal(await secrets.find('none'), undefined)
  })
  check('uses are noted forwards only, and lists hold no value', async ({ secrets }) => {
    await secrets.create('b', bytes, 1)
    await secrets.create('a', bytes, 2)
    await secrets.noteUse('a', 30)
    await secrets.noteUse('a', 20)
    assert.deepEqual(await secrets.list(), [
      { name: 'a', version: 1, createdAtMs: 2, rotatedAtMs: 2, lastUsedAtMs: 30 },
      { name: 'b', version: 1, createdAtMs: 1, rotatedAtMs: 1 },
    ])
  })
  check('of two that create a key both get the same', async ({ keys }) => {
    const [first, second] = await Promise.all([keys.create('k', bytes, 1), keys.create('k', toUtf8('x'), 1)])
    assert.deepEqual(first, second)
    assert.deepEqual(await keys.find('k'), first)
    assert.equal(await keys.find('other'), undefined)
  })
  check('everything is there after it was closed and opened', async ({ secrets, keys, identity }, under) => {
    await secrets.create('cards', bytes, 10)
    await keys.create('k', bytes, 1)
    await identity.artefacts.put(artefact(1))
    await identity.roster.put(alice)
    await identity.logins.create(login(1))
    await identity.revocations.put({ kind: 'identity', id: 'ci-bot', ...note, keepUntilMs: 100 })
    const again = await under.reopen()
    assert.deepEqual((await again.secrets.find('cards'))?.sealed, bytes)
    assert.deepEqual(await again.keys.find('k'), bytes)
    assert.deepEqual(await again.identity.artefacts.find('AccessToken', digest(1)), artefact(1))
    assert.deepEqual(await again.identity.roster.find('usr_a'), alice)
    assert.deepEqual(await again.identity.logins.find('grt_1'), login(1))
    assert.equal((await again.identity.revocations.find('identity', 'ci-bot'))?.reason, note.reason)
  })
}
