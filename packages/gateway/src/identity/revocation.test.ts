import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Secret } from '#base'
import type { Identity, Resource, Revocation } from '#model'
import { openStore } from '#storage'
import { createBrowser } from '../../testkit/browser.ts'
import { type IdentityBench, startIdentity } from '../../testkit/identity.ts'
import { type IdpProcess, startIdp } from '../../testkit/idp.ts'

const cards: Resource = { name: 'cards', kind: 'postgres', tables: [] }
const dana: Identity = {
  kind: 'person',
  id: 'usr_dana',
  issuer: 'i',
  subject: 's',
  name: 'dana@example.com',
  groups: [],
  mfa: true,
}

let idp: IdpProcess
let folder: string
let bench: IdentityBench
let told: Revocation[]
let stopListening: () => void
before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'sallyport-revocation-'))
  idp = await startIdp()
  bench = await startIdentity(path.join(folder, 'control.db'), idp)
})
beforeEach(() => {
  told = []
  stopListening = bench.service.credentials.onRevoked((revocation) => told.push(revocation))
  bench.clock.aheadMs = 0
})
afterEach(() => {
  stopListening()
})
after(async () => {
  await bench.stop()
  await idp.stop()
  rmSync(folder, { recursive: true })
})

interface Held {
  readonly login: { readonly access_token?: string; readonly refresh_token?: string }
  readonly cards: { readonly access_token?: string; readonly refresh_token?: string }
  readonly grantId: string
  readonly tokenId: string
  readonly identityId: string
}

const hold = async (person: string): Promise<Held> => {
  const login = await bench.logIn(person)
  const resource = await bench.refresh(login.refresh_token, '/resource/cards')
  const answer = await bench.service.credentials.verify(new Secret(resource.access_token ?? ''), cards)
  if (answer.kind === 'rejected') throw new Error(answer.reason)
  const { grantId, tokenId, identity } = answer
  return { login, cards: resource, grantId, tokenId, identityId: identity.id }
}

/** How the API token, the token for cards and the refresh token fare. */
const state = async (held: Held): Promise<readonly string[]> => {
  const api = await bench.service.verifyApi(new Secret(held.login.access_token ?? ''))
  const resource = await bench.service.credentials.verify(new Secret(held.cards.access_token ?? ''), cards)
  const refreshed = await bench.refresh(held.cards.refresh_token)
  return [
    ...[api, resource].map((answer) => (answer.kind === 'rejected' ? answer.code : 'good')),
    refreshed.error ?? 'good',
  ]
}

const UNKNOWN = 'SP_AUTH_TOKEN_UNKNOWN'

test('a token that is revoked, by itself or by its name, is unknown; the rest of the login stays', async () => {
  for (const by of ['token', 'token-id'] as const) {
    told.length = 0
    const held = await hold('alice')
    const target =
      by === 'token'
        ? ({ kind: by, token: new Secret(held.cards.access_token ?? '') } as const)
        : ({ kind: by, tokenId: held.tokenId } as const)
    assert.equal(await bench.service.revoke(target, dana, 'lost laptop'), true)
    assert.deepEqual(told, [{ tokenId: held.tokenId, by: 'dana@example.com', reason: 'lost laptop' }])
    assert.deepEqual(await state(held), ['good', UNKNOWN, 'good'])
  }
})

test('a login that is revoked takes all its tokens with it, and only them', async () => {
  const held = await hold('alice')
  const other = await hold('alice')
  const target = { kind: 'grant', grantId: held.grantId } as const
  assert.equal(await bench.service.revoke(target, dana, 'suspicious'), true)
  assert.deepEqual(told, [{ grantId: held.grantId, by: 'dana@example.com', reason: 'suspicious' }])
  assert.deepEqual(await state(held), [UNKNOWN, UNKNOWN, 'invalid_grant'])
  assert.deepEqual(await state(other), ['good', 'good', 'good'])
  assert.equal(await bench.service.revoke(target, dana, 'again'), false)
  assert.equal(told.length, 1)
  const [stored] = (await bench.service.logins({ limit: 100 })).filter(({ grantId }) => grantId === held.grantId)
  assert.deepEqual([stored?.revoked?.by, stored?.revoked?.reason], ['usr_dana', 'suspicious'])
})

test('a person who is revoked loses every login, and can log in again', async () => {
  const first = await hold('alice')
  const second = await hold('alice')
  const other = await hold('bob')
  assert.equal(
    await bench.service.revoke({ kind: 'identity', identityId: first.identityId }, dana, 'left the company'),
    true,
  )
  assert.deepEqual(told, [{ identityId: first.identityId, by: 'dana@example.com', reason: 'left the company' }])
  for (const held of [first, second]) assert.deepEqual(await state(held), [UNKNOWN, UNKNOWN, 'invalid_grant'])
  assert.deepEqual(await state(other), ['good', 'good', 'good'])
  assert.deepEqual(await state(await hold('alice')), ['good', 'good', 'good'])
  assert.deepEqual(
    await bench.service.logins({ identityId: first.identityId, active: true, limit: 9 }).then((list) => list.length),
    1,
  )
})

test('a code that waits is of no use when its login was revoked meanwhile', async () => {
  const callback = await bench.authorize('alice')
  const [newest] = await bench.service.logins({ limit: 1 })
  await bench.service.revoke({ kind: 'grant', grantId: newest?.grantId ?? '' }, dana, 'x')
  assert.equal((await bench.exchange(callback)).error, 'invalid_grant')
})

test('a job token can be revoked by itself, by its name and as its own grant', async () => {
  const codeOf = async (token: string): Promise<string> => {
    const answer = await bench.service.credentials.verify(new Secret(token), cards)
    return answer.kind === 'rejected' ? answer.code : answer.tokenId
  }
  for (const kind of ['token', 'token-id', 'grant'] as const) {
    told.length = 0
    const token = await idp.jobToken(bench.url)
    const name = await codeOf(token)
    assert.match(name, /^tok_/)
    const targets = {
      token: { kind: 'token', token: new Secret(token) },
      'token-id': { kind: 'token-id', tokenId: name },
      grant: { kind: 'grant', grantId: name },
    } as const
    assert.equal(await bench.service.revoke(targets[kind], dana, 'leaked in a log'), true)
    assert.deepEqual(told, [{ tokenId: name, by: 'dana@example.com', reason: 'leaked in a log' }])
    assert.equal(await codeOf(token), UNKNOWN)
    assert.match(await codeOf(await idp.jobToken(`${bench.url}/resource/cards`)), /^tok_/)
  }
})

test('a revoked job token stays revoked under the other signature that its key accepts', async () => {
  const codeOf = async (token: string): Promise<string> => {
    const answer = await bench.service.credentials.verify(new Secret(token), cards)
    return answer.kind === 'rejected' ? answer.code : 'good'
  }
  const token = await idp.jobToken(bench.url)
  const twin = withOtherSignature(token)
  assert.notEqual(twin, token)
  assert.equal(await codeOf(twin), 'good')
  await bench.service.revoke({ kind: 'token', token: new Secret(token) }, dana, 'leaked in a log')
  assert.equal(await codeOf(token), UNKNOWN)
  assert.equal(await codeOf(twin), UNKNOWN)
})

/** With (r, s) any ECDSA verifier also accepts (r, n - s); SEC 1, 4.1.4. */
function withOtherSignature(token: string): string {
  const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  const [header = '', payload = '', signature = ''] = token.split('.')
  const bytes = Buffer.from(signature, 'base64url')
  const s = n - BigInt(`0x${bytes.subarray(32).toString('hex')}`)
  bytes.write(s.toString(16).padStart(64, '0'), 32, 'hex')
  return `${header}.${payload}.${bytes.toString('base64url')}`
}

test('a workload that is revoked loses the tokens it has, and comes back with later ones', async (t) => {
  // The identity provider's clock cannot be set, so what is revoked is a minute ago.
  const other = await startIdentity(path.join(folder, 'workload.db'), idp)
  t.after(other.stop)
  const codeOf = async (token: string): Promise<string> => {
    const answer = await other.service.credentials.verify(new Secret(token), cards)
    return answer.kind === 'rejected' ? answer.code : 'good'
  }
  const token = await idp.jobToken(other.url)
  assert.equal(await codeOf(token), 'good')
  await other.service.revoke({ kind: 'identity', identityId: 'ci-bot' }, dana, 'compromised runner')
  assert.equal(await codeOf(token), UNKNOWN)
  assert.equal(await codeOf(await idp.jobToken(other.url)), UNKNOWN)
  const revocation = await other.store.identity.revocations.find('identity', 'ci-bot')
  assert.ok(revocation)
  await other.store.identity.revocations.put({ ...revocation, atMs: revocation.atMs - 61_000 })
  assert.equal(await codeOf(token), 'good')
})

test('there is nothing to revoke where there is nothing', async () => {
  for (const target of [
    { kind: 'grant', grantId: 'grt_0000000000000000' },
    { kind: 'identity', identityId: 'usr_nobody' },
    { kind: 'token-id', tokenId: 'nonsense' },
  ] as const)
    assert.equal(await bench.service.revoke(target, dana, 'x'), false)
  assert.deepEqual(told, [])
})

test('a listener that throws keeps nobody else from hearing, and one that left hears nothing', async () => {
  const heard: string[] = []
  const { credentials } = bench.service
  const leave = [
    credentials.onRevoked(() => {
      throw new Error('broken listener')
    }),
    credentials.onRevoked(() => heard.push('second')),
  ]
  const left = credentials.onRevoked(() => heard.push('left'))
  left()
  await bench.service.revoke({ kind: 'token-id', tokenId: 'tok_0123456789abcdef' }, dana, 'x')
  for (const stop of leave) stop()
  assert.deepEqual(heard, ['second'])
  assert.equal(
    bench.logged.some((line) => line.includes('revocation-listener-failed')),
    true,
  )
})

test('logins, tokens and revocations outlive the process', async () => {
  const file = path.join(folder, 'restart.db')
  const first = await startIdentity(file, idp)
  const kept = await first.logIn('alice')
  const revoked = await first.logIn('bob')
  const job = await idp.jobToken(first.url)
  const [bob] = await first.service.logins({ limit: 1 })
  await first.service.revoke({ kind: 'grant', grantId: bob?.grantId ?? '' }, dana, 'x')
  await first.service.revoke({ kind: 'token', token: new Secret(job) }, dana, 'x')
  await first.stop()
  const second = await startIdentity(file, idp, { publicUrl: first.url })
  const codeOf = async (token: string | undefined): Promise<string> => {
    const answer = await second.service.verifyApi(new Secret(token ?? ''))
    return answer.kind === 'rejected' ? answer.code : answer.identity.name
  }
  assert.deepEqual(
    [await codeOf(kept.access_token), await codeOf(revoked.access_token), await codeOf(job)],
    ['alice@example.com', UNKNOWN, UNKNOWN],
  )
  await second.stop()
})

test('a revocation that was answered survives a kill -9 right after', async () => {
  const script = fileURLToPath(new URL('../../testkit/revoke-and-wait.ts', import.meta.url))
  for (let round = 0; round < 5; round++) {
    const file = path.join(folder, `killed-${round}.db`)
    const grants = Array.from({ length: 20 }, (_, index) => `grt_${index}`)
    const store = await openStore({ file })
    for (const grantId of grants)
      await store.identity.logins.create({
        grantId,
        identityId: 'usr_a',
        clientId: 'c',
        mfa: false,
        createdAtMs: 1,
        endsAtMs: 2,
      })
    await store.close()
    const child = spawn(process.execPath, [...process.execArgv, script, file, ...grants], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let answered = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      answered += text
      // In the middle of its work, with some answered and some not.
      if (answered.split('\n').length > 3 + round * 3) child.kill('SIGKILL')
    })
    await once(child, 'close')
    const again = await openStore({ file })
    const named = answered.split('\n').slice(0, -1)
    assert.ok(named.length >= 3)
    for (const grantId of named) assert.equal((await again.identity.logins.find(grantId))?.revoked?.reason, 'killed')
    await again.close()
  }
})

test('no token, code, cookie or secret of a login is found in the files of the store', async (t) => {
  const file = path.join(folder, 'at-rest.db')
  const other = await startIdentity(file, idp)
  t.after(other.stop)
  const secrets: string[] = []
  const keep = (text: string | null | undefined): void => {
    if (typeof text === 'string' && text.length >= 8) secrets.push(text)
  }
  const browser = createBrowser()
  const onResponse = (url: URL, response: Response): void => {
    for (const parameters of [
      url.searchParams,
      new URL(response.headers.get('location') ?? url.href, url).searchParams,
    ])
      for (const name of ['code', 'state', 'nonce', 'code_challenge']) keep(parameters.get(name))
    for (const cookie of response.headers.getSetCookie()) keep(/^[^=]+=([^;]*)/.exec(cookie)?.[1])
  }
  const device = (await other.post('/oauth/device', { scope: 'openid' })) as unknown as Record<string, string>
  keep(device['device_code'])
  keep(device['user_code'])
  keep(device['user_code']?.replace('-', ''))
  await browser.visit(device['verification_uri_complete'] ?? '', { person: 'dana', onResponse })
  const callback = await other.authorize('alice', {}, browser)
  keep(callback.searchParams.get('code'))
  const answers = [
    await other.exchange(callback),
    await other.post('/oauth/token', {
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      device_code: device['device_code'] ?? '',
    }),
  ]
  answers.push(await other.refresh(answers[0]?.refresh_token, '/resource/cards'))
  for (const answer of answers) {
    assert.equal(answer.status, 200)
    keep(answer.access_token)
    keep(answer.refresh_token)
  }
  const job = await idp.jobToken(other.url)
  await other.service.verifyApi(new Secret(job))
  await other.service.revoke({ kind: 'token', token: new Secret(job) }, dana, 'x')
  keep(job)
  assert.ok(secrets.length > 20)
  const files = readdirSync(folder).filter((name) => name.startsWith('at-rest.db'))
  assert.equal(files.length, 3)
  const bytes = files.map((name) => readFileSync(path.join(folder, name)))
  assert.equal(
    bytes.some((content) => content.includes('alice@example.com')),
    true,
    'the files are those of this store',
  )
  for (const secret of secrets)
    assert.equal(
      bytes.some((content) => content.includes(secret)),
      false,
      `a secret of ${secret.length} characters`,
    )
  assert.equal(
    secrets.some((secret) => JSON.stringify([other.events, other.logged]).includes(secret)),
    false,
  )
})
