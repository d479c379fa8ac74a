import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { Secret } from '#base'
import { GatewayError, type RejectedCredential, type Resource, type VerifiedCredential } from '#model'
import { createBrowser } from '../../testkit/browser.ts'
import { type IdentityBench, startIdentity } from '../../testkit/identity.ts'
import { type IdpProcess, startIdp } from '../../testkit/idp.ts'

const resource = (name: string): Resource => ({ name, kind: 'postgres', tables: [] })

let idp: IdpProcess
let bench: IdentityBench
let folder: string
before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'sallyport-login-'))
  idp = await startIdp()
  bench = await startIdentity(path.join(folder, 'control.db'), idp)
})
beforeEach(() => {
  bench.clock.aheadMs = 0
  bench.onRecord = async () => {}
  bench.events.length = 0
  bench.logged.length = 0
})
after(async () => {
  await bench.stop()
  await idp.stop()
  rmSync(folder, { recursive: true })
})

const verify = async (token: string | undefined, name = 'cards'): Promise<VerifiedCredential | RejectedCredential> =>
  await bench.service.credentials.verify(new Secret(token ?? ''), resource(name))
const verifyApi = async (token: string | undefined): Promise<VerifiedCredential | RejectedCredential> =>
  await bench.service.verifyApi(new Secret(token ?? ''))
const codeOf = (answer: VerifiedCredential | RejectedCredential): string =>
  answer.kind === 'rejected' ? answer.code : answer.kind

const statusesOf = (answers: readonly { readonly status: number }[]): readonly number[] =>
  answers.map(({ status }) => status).toSorted((left, right) => left - right)

const visitBegin = async (person: string): ReturnType<ReturnType<typeof createBrowser>['visit']> => {
  const query = new URLSearchParams({
    client_id: 'sallyport-cli',
    redirect_uri: 'http://127.0.0.1:1/callback',
    response_type: 'code',
    scope: 'openid',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  })
  const until = ({ pathname }: URL): boolean => pathname === '/callback'
  return await createBrowser().visit(`${bench.url}/oauth/authorize?${query.toString()}`, { person, until })
}

test('a person logs in once and gets tokens for the API and each resource', async () => {
  const login = await bench.logIn('alice')
  assert.equal(login.status, 200)
  const api = await verifyApi(login.access_token)
  assert.equal(api.kind, 'verified')
  assert.deepEqual(api.identity, {
    kind: 'person',
    id: api.identity?.id,
    issuer: idp.issuer,
    subject: 'alice',
    name: 'alice@example.com',
    groups: ['support'],
    mfa: true,
  })
  assert.match(api.identity.id, /^usr_[a-z2-7]{20}$/)
  assert.match(api.tokenId, /^tok_[0-9a-f]{16}$/)
  assert.match(api.grantId, /^grt_[0-9a-f]{16}$/)
  assert.equal(api.idleLimitMs, 900_000)
  assert.ok(Math.abs(api.grantEndsAtMs - Date.now() - 8 * 3_600_000) < 60_000)
  const cards = await bench.refresh(login.refresh_token, '/resource/cards')
  assert.equal(cards.expires_in, 900)
  assert.match(cards.access_token ?? '', /^[A-Za-z0-9_-]{43,60}$/)
  const verified = await verify(cards.access_token)
  assert.equal(verified.kind, 'verified')
  assert.deepEqual([verified.grantId, verified.identity], [api.grantId, api.identity])
  const ledger = await bench.refresh(cards.refresh_token, '/resource/ledger')
  assert.equal(codeOf(await verify(ledger.access_token, 'ledger')), 'verified')
})

test('a login and each token are on record, with who, from where and for what', async () => {
  const login = await bench.logIn('bob')
  await bench.refresh(login.refresh_token, '/resource/cards')
  const facts = bench.events.map(({ class: kind, activity, actor, client, resource: name, status, details }) => {
    assert.equal(client?.address, '127.0.0.1')
    return [kind, activity, actor?.name, name, status, details?.['audience'], typeof details?.['grant']]
  })
  assert.deepEqual(facts, [
    ['authentication', 'login', 'bob@example.com', undefined, 'success', undefined, 'string'],
    ['authentication', 'token-issued', 'bob@example.com', undefined, 'success', `${bench.url}/api`, 'string'],
    [
      'authentication',
      'token-refreshed',
      'bob@example.com',
      'cards',
      'success',
      `${bench.url}/resource/cards`,
      'string',
    ],
  ])
})

test('every login is a login at the identity provider, whoever sat at this browser before', async () => {
  const browser = createBrowser()
  const people = ['alice', 'bob', 'bob', 'dana', 'alice']
  for (const person of people) {
    const answer = await verifyApi((await bench.logIn(person, browser)).access_token)
    assert.equal(answer.identity?.name, `${person}@example.com`)
  }
  assert.equal(bench.events.filter(({ activity }) => activity === 'login').length, people.length)
})

test('a token is for one audience and tells whose it is when it comes to another', async () => {
  const login = await bench.logIn('alice')
  const cards = await bench.refresh(login.refresh_token, '/resource/cards')
  for (const answer of [
    await verify(cards.access_token, 'ledger'),
    await verifyApi(cards.access_token),
    await verify(login.access_token),
  ]) {
    assert.equal(codeOf(answer), 'SP_AUTH_TOKEN_AUDIENCE')
    assert.equal(answer.identity?.name, 'alice@example.com')
  }
})

test('an expired token is told from an unknown one for a day', async () => {
  const { access_token: token } = await bench.logIn('alice')
  bench.clock.aheadMs = 901_000
  const expired = await verifyApi(token)
  assert.equal(codeOf(expired), 'SP_AUTH_TOKEN_EXPIRED')
  assert.equal(expired.identity?.name, 'alice@example.com')
  assert.match(expired.kind === 'rejected' ? expired.reason : '', /^the token expired \d seconds? ago$/)
  const sweepAt = async (aheadMs: number): Promise<number> =>
    await bench.store.identity.artefacts.sweep(Math.floor(Date.now() + aheadMs), 1000)
  await sweepAt(23 * 3_600_000)
  assert.equal(codeOf(await verifyApi(token)), 'SP_AUTH_TOKEN_EXPIRED')
  await sweepAt(25 * 3_600_000)
  assert.equal(codeOf(await verifyApi(token)), 'SP_AUTH_TOKEN_UNKNOWN')
})

test('what is no token of ours is unknown', async () => {
  const { access_token: token = '', refresh_token: refresh } = await bench.logIn('alice')
  for (const text of [
    refresh,
    token.toLowerCase(),
    `${token}A`,
    token.slice(1),
    'x'.repeat(43),
    'x'.repeat(10_000),
    ' ',
    '~',
  ])
    assert.equal(codeOf(await verifyApi(text)), 'SP_AUTH_TOKEN_UNKNOWN')
  assert.equal(codeOf(await verifyApi('')), 'SP_AUTH_TOKEN_MISSING')
})

test('a refusal says what was given: a password that never was a token, or a token of ours no more', async () => {
  const reasonFor = async (text: string): Promise<string> => {
    const answer = await verifyApi(text)
    return answer.kind === 'rejected' ? answer.reason : assert.fail('it was let in')
  }
  assert.equal(
    await reasonFor('the password of the database'),
    'what was given as password or bearer has not the form of a token',
  )
  assert.equal(await reasonFor('x'.repeat(43)), 'the token was not issued here, or was revoked')
})

test('a store that fails rejects, and does not throw', async (t) => {
  const other = await startIdentity(path.join(folder, 'failing.db'), idp)
  t.after(other.stop)
  const { access_token: token } = await other.logIn('alice')
  await other.store.close()
  const answer = await other.service.verifyApi(new Secret(token ?? ''))
  assert.equal(codeOf(answer), 'SP_AUTH_UNAVAILABLE')
})

test('a code is good once, for who began the login, with the verifier and the address of its beginning', async () => {
  const begin = async (): Promise<URL> => await bench.authorize('alice')
  for (const parameters of [
    { code_verifier: 'x'.repeat(43) },
    { redirect_uri: 'http://127.0.0.1:1/callback' },
    { client_id: 'somebody' },
    { code: 'x'.repeat(43) },
    { resource: 'https://evil.example' },
  ])
    assert.ok((await bench.exchange(await begin(), parameters)).status >= 400, JSON.stringify(parameters))
  const both = await begin()
  const answers = await Promise.all([bench.exchange(both), bench.exchange(both), bench.exchange(both)])
  assert.deepEqual(statusesOf(answers), [200, 400, 400])
})

test('a code that comes twice ends the login it was for', async () => {
  const revoked: unknown[] = []
  const stop = bench.service.credentials.onRevoked((revocation) => revoked.push(revocation))
  const callback = await bench.authorize('alice')
  const { access_token: token } = await bench.exchange(callback)
  const { grantId = '' } = (await verifyApi(token)) as Partial<VerifiedCredential>
  assert.equal((await bench.exchange(callback)).error, 'invalid_grant')
  stop()
  assert.equal(codeOf(await verifyApi(token)), 'SP_AUTH_TOKEN_UNKNOWN')
  const reason = 'a code or refresh token was used twice'
  assert.deepEqual(revoked, [{ grantId, by: 'alice@example.com', reason }])
  const { class: kind, activity, details } = bench.events.at(-1) ?? {}
  assert.deepEqual(
    [kind, activity, details],
    ['entity-management', 'revoke', { entity: { type: 'grant', uid: grantId }, comment: reason }],
  )
})

test('refresh tokens rotate, and an old one that comes again ends the login, but for a repetition at once', async () => {
  const first = await bench.logIn('alice')
  const second = await bench.refresh(first.refresh_token)
  assert.equal((await bench.refresh(first.refresh_token)).error, 'invalid_grant')
  const third = await bench.refresh(second.refresh_token, '/resource/cards')
  assert.equal(codeOf(await verify(third.access_token)), 'verified')
  bench.clock.aheadMs = 11_000
  assert.equal((await bench.refresh(first.refresh_token)).error, 'invalid_grant')
  assert.equal(codeOf(await verify(third.access_token)), 'SP_AUTH_TOKEN_UNKNOWN')
  assert.equal((await bench.refresh(third.refresh_token)).error, 'invalid_grant')
})

test('of two refreshes at the same time one wins, and the login goes on', async () => {
  const login = await bench.logIn('alice')
  const answers = await Promise.all([1, 2, 3, 4].map(() => bench.refresh(login.refresh_token)))
  assert.deepEqual(statusesOf(answers), [200, 400, 400, 400])
  const won = answers.find(({ status }) => status === 200)
  assert.equal((await bench.refresh(won?.refresh_token, '/resource/cards')).status, 200)
})

test('nothing of a login outlives it: tokens end with it, and it cannot be refreshed', async (t) => {
  const short = await startIdentity(path.join(folder, 'short.db'), idp, { loginSeconds: 3600 })
  t.after(short.stop)
  const login = await short.logIn('alice')
  const start = Date.now()
  t.mock.timers.enable({ apis: ['Date'], now: start + 3_000_000 })
  const late = await short.refresh(login.refresh_token, '/resource/cards')
  assert.equal(late.status, 200)
  assert.ok((late.expires_in ?? 0) <= 600, `${late.expires_in}`)
  const check = async (): Promise<VerifiedCredential | RejectedCredential> =>
    await short.service.credentials.verify(new Secret(late.access_token ?? ''), resource('cards'))
  assert.equal(codeOf(await check()), 'verified')
  t.mock.timers.setTime(start + 3_601_000)
  assert.equal((await short.refresh(late.refresh_token)).error, 'invalid_grant')
  assert.equal(codeOf(await check()), 'SP_AUTH_TOKEN_EXPIRED')
  assert.deepEqual(await short.service.logins({ active: true, limit: 9 }), [])
})

test('a resource that is not configured, or more than one at once, is no target', async () => {
  const login = await bench.logIn('alice')
  assert.equal((await bench.refresh(login.refresh_token, '/resource/none')).error, 'invalid_target')
  // A name that was mistyped costs nothing: the login goes on, and what it opened.
  assert.equal((await bench.refresh(login.refresh_token, '/resource/cards')).status, 200)
  const begun = bench.authorize('alice', { resource: `${bench.url}/resource/none` })
  assert.equal((await begun).searchParams.get('error'), 'invalid_target')
})

test('an authorization without PKCE, to a foreign address, or of an unknown client is refused', async () => {
  const without = await bench.authorize('alice', { code_challenge: '', code_challenge_method: '' })
  assert.equal(without.searchParams.get('error'), 'invalid_request')
  const plain = await bench.authorize('alice', { code_challenge_method: 'plain' })
  assert.equal(plain.searchParams.get('error'), 'invalid_request')
  for (const parameters of [
    { redirect_uri: 'https://evil.example/callback' },
    { redirect_uri: 'http://127.0.0.1:1/other' },
    { client_id: 'other' },
  ]) {
    const query = new URLSearchParams({ client_id: 'sallyport-cli', response_type: 'code', ...parameters })
    const response = await fetch(`${bench.url}/oauth/authorize?${query.toString()}`, { redirect: 'manual' })
    assert.equal(response.status, 400, JSON.stringify(parameters))
  }
})

test('any loopback port will do for the answer', async () => {
  for (const redirectUri of [
    'http://127.0.0.1:1234/callback',
    'http://localhost:99/callback',
    'http://[::1]:5/callback',
  ]) {
    const callback = await bench.authorize('alice', { redirect_uri: redirectUri })
    assert.equal(callback.href.startsWith(`${redirectUri}?code=`), true)
    assert.equal(callback.searchParams.get('iss'), bench.url)
    assert.equal((await bench.exchange(callback, { redirect_uri: redirectUri })).status, 200)
  }
})

test('a login that the identity provider refuses is shown, recorded and not made', async () => {
  const arrival = await visitBegin('')
  assert.equal(arrival.status, 403)
  assert.match(arrival.body, /You are not logged in/)
  assert.deepEqual(
    bench.events.map(({ activity, status, code, actor, details }) => [activity, status, code, actor, details]),
    [
      [
        'login',
        'failure',
        'SP_AUTH_LOGIN_REFUSED',
        undefined,
        { reason: 'the identity provider answered: access_denied', client: 'sallyport-cli' },
      ],
    ],
  )
})

test('what cannot be recorded does not happen: no login, no token; and a refresh token is not spent on it', async () => {
  const login = await bench.logIn('alice')
  const before = await bench.service.logins({ limit: 100 })
  bench.onRecord = async () => await Promise.reject(new GatewayError('SP_TRAIL_UNAVAILABLE'))
  const refused = await visitBegin('bob')
  assert.equal(refused.status, 503)
  assert.match(refused.body, /SP_TRAIL_UNAVAILABLE/)
  assert.deepEqual(await bench.service.logins({ limit: 100 }), before)
  const token = await bench.refresh(login.refresh_token)
  assert.deepEqual([token.status, token.error, token.access_token], [503, 'temporarily_unavailable', undefined])
  assert.equal((await bench.post('/oauth/revoke', { token: login.refresh_token ?? '' })).status, 503)
  bench.onRecord = async () => {}
  assert.equal((await bench.refresh(login.refresh_token)).status, 200)
})

test('a login belongs to the browser that began it, and its answer is taken once', async () => {
  const addresses: URL[] = []
  const onResponse = (url: URL): void => {
    addresses.push(url)
  }
  const browser = createBrowser()
  const until = ({ pathname }: URL): boolean => pathname === '/oauth/callback' || pathname === '/callback'
  const query = new URLSearchParams({
    client_id: 'sallyport-cli',
    redirect_uri: 'http://127.0.0.1:1/callback',
    response_type: 'code',
    scope: 'openid',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  })
  const begin = `${bench.url}/oauth/authorize?${query.toString()}`
  const { url: answer } = await browser.visit(begin, { person: 'alice', until, onResponse })
  // Somebody else is sent alice's answer: login CSRF.
  const victim = await createBrowser().visit(answer.href, { person: 'bob' })
  assert.equal(victim.status, 403)
  const changed = new URL(answer)
  changed.searchParams.set('state', 'A'.repeat(43))
  assert.equal((await browser.visit(changed.href, { person: 'alice' })).status, 403)
  const finished = await browser.visit(answer.href, { person: 'alice', until: ({ port }) => port === '1' })
  assert.equal(finished.url.searchParams.has('code'), true)
  assert.equal((await browser.visit(answer.href, { person: 'alice' })).status, 403)
})

test('a login by device: the code waits, is confirmed in a browser, and is good once', async () => {
  const device = (await bench.post('/oauth/device', { scope: 'openid' })) as unknown as Record<string, string>
  assert.match(device['user_code'] ?? '', /^[B-Z]{4}-[B-Z]{4}$/)
  assert.equal(device['verification_uri'], `${bench.url}/device`)
  const poll = async (): ReturnType<IdentityBench['post']> =>
    await bench.post('/oauth/token', {
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      device_code: device['device_code'] ?? '',
    })
  assert.equal((await poll()).error, 'authorization_pending')
  const pages: string[] = []
  const arrival = await createBrowser().visit(device['verification_uri_complete'] ?? '', {
    person: 'dana',
    onResponse: (url, { status }) => pages.push(`${status} ${url.pathname.split('/')[1]}`),
  })
  assert.match(arrival.body, /The device is logged in/)
  const token = await poll()
  assert.equal(token.status, 200)
  assert.equal((await verifyApi(token.access_token)).identity?.name, 'dana@example.com')
  assert.equal((await bench.refresh(token.refresh_token, '/resource/cards')).status, 200)
  assert.equal((await poll()).error, 'invalid_grant')
  const again = await createBrowser().visit(device['verification_uri_complete'] ?? '', { person: 'bob' })
  assert.match(again.body, /not one that waits for a login/)
})

test('a user code that was not given out is refused', async () => {
  const browser = createBrowser()
  const page = await browser.visit(`${bench.url}/device?user_code=BBBB-BBBB`, { person: 'alice' })
  assert.match(page.body, /not one that waits for a login/)
  assert.doesNotMatch(page.body, /onfocus/)
})

test('giving a token back ends the login', async () => {
  const login = await bench.logIn('alice')
  const cards = await bench.refresh(login.refresh_token, '/resource/cards')
  const verified = await verify(cards.access_token)
  bench.events.length = 0
  const revoked: unknown[] = []
  const stop = bench.service.credentials.onRevoked((revocation) => revoked.push(revocation))
  assert.equal((await bench.post('/oauth/revoke', { token: cards.refresh_token ?? '' })).status, 200)
  stop()
  const grantId = verified.kind === 'verified' ? verified.grantId : ''
  assert.deepEqual(revoked, [{ grantId, by: 'alice@example.com', reason: 'logged out' }])
  assert.deepEqual(
    bench.events.map(({ activity, actor, details }) => [activity, actor?.name, details]),
    [['logout', 'alice@example.com', { grant: grantId }]],
  )
  assert.equal(codeOf(await verify(cards.access_token)), 'SP_AUTH_TOKEN_UNKNOWN')
  assert.equal((await bench.refresh(cards.refresh_token)).error, 'invalid_grant')
  const [newest] = await bench.service.logins({ limit: 1 })
  assert.equal(newest?.revoked?.reason, 'logged out')
  assert.equal((await bench.post('/oauth/revoke', { token: 'x'.repeat(43) })).status, 200)
})

test('job tokens of the identity provider are workloads, at the API and at a resource', async () => {
  const token = await idp.jobToken(bench.url)
  for (const answer of [await verify(token), await verifyApi(token)]) {
    assert.equal(answer.kind, 'verified')
    const { identity, tokenId, grantId, idleLimitMs, grantEndsAtMs } = answer
    assert.deepEqual(identity, {
      kind: 'workload',
      id: 'ci-bot',
      issuer: idp.issuer,
      subject: 'ci-bot',
      name: 'ci-bot',
      groups: ['ci'],
      mfa: false,
    })
    assert.equal(tokenId, grantId)
    assert.equal(idleLimitMs, undefined)
    assert.ok(Math.abs(grantEndsAtMs - Date.now() - 600_000) < 10_000)
  }
  assert.equal(codeOf(await verify(await idp.jobToken(`${bench.url}/resource/cards`))), 'verified')
  const other = await idp.jobToken(`${bench.url}/resource/ledger`)
  assert.equal(codeOf(await verify(other)), 'SP_AUTH_JOB_TOKEN_INVALID')
  bench.clock.aheadMs = 640_000
  assert.equal(codeOf(await verify(token)), 'SP_AUTH_TOKEN_EXPIRED')
})

test('people are found and named for whoever may see it, and forgotten when erased', async () => {
  const { identity } = await verifyApi((await bench.logIn('dana')).access_token)
  const id = identity?.id ?? ''
  await bench.service.verifyApi(new Secret(await idp.jobToken(bench.url)))
  assert.deepEqual(await bench.service.names([id, 'ci-bot', 'usr_nobody']), {
    [id]: 'dana@example.com',
    'ci-bot': 'ci-bot',
  })
  for (const text of [id, 'dana@example.com', 'Dana Drew']) assert.equal(await bench.service.find(text), id)
  assert.equal(await bench.service.find('dana'), undefined)
  const active = await bench.service.logins({ identityId: id, active: true, limit: 5 })
  assert.equal(active[0]?.identityId, id)
  assert.equal(await bench.service.erase(id), true)
  assert.deepEqual(await bench.service.names([id]), {})
  assert.equal(
    (await bench.service.roster(10)).some((entry) => entry.id === id && entry.name === undefined),
    true,
  )
})

test('metadata is stated under the public address, whatever host a client claims', async () => {
  const { hostname, port } = new URL(bench.url)
  const ask = async (headers: Record<string, string>): Promise<Record<string, string>> =>
    await new Promise((resolve, reject) => {
      request({ hostname, port, path: '/.well-known/oauth-authorization-server', headers }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk) => (text += chunk))
        response.on('end', () => {
          resolve(JSON.parse(text) as Record<string, string>)
        })
      })
        .on('error', reject)
        .end()
    })
  const metadata = await ask({ host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' })
  assert.equal(metadata['issuer'], bench.url)
  assert.equal(metadata['token_endpoint'], `${bench.url}/oauth/token`)
  assert.equal(metadata['device_authorization_endpoint'], `${bench.url}/oauth/device`)
  assert.equal(metadata['revocation_endpoint'], `${bench.url}/oauth/revoke`)
  assert.deepEqual(metadata['code_challenge_methods_supported'], ['S256'])
  assert.equal(metadata['registration_endpoint'], undefined)
})

test('pages forbid scripts, frames and caching', async () => {
  const { headers, status } = await fetch(`${bench.url}/oauth/callback?state=x`)
  assert.equal(status, 403)
  assert.match(
    headers.get('content-security-policy') ?? '',
    /^default-src 'none'; script-src; .*frame-ancestors 'none'$/,
  )
  assert.equal(headers.get('x-content-type-options'), 'nosniff')
  assert.equal(headers.get('referrer-policy'), 'no-referrer')
  assert.equal(headers.get('cache-control'), 'no-store')
})

test('cookies are signed, not for scripts, and not those of another provider on this host', async () => {
  const response = await fetch(
    `${bench.url}/oauth/authorize?client_id=sallyport-cli&response_type=code&scope=openid&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256`,
    { redirect: 'manual' },
  )
  const cookies = response.headers.getSetCookie()
  assert.ok(cookies.length >= 4)
  for (const cookie of cookies) {
    assert.match(cookie, /^sallyport_(login|resume)(\.sig)?=/)
    assert.match(cookie, /samesite=lax; httponly/i)
  }
})

test('what is not ours is not handled', async () => {
  assert.equal((await fetch(`${bench.url}/elsewhere`)).status, 404)
  assert.equal((await fetch(`${bench.url}/oauth/elsewhere`)).status, 404)
  for (const pathname of ['/', '/api/v1/whoami', '/oauth', '/devices', '/.well-known/other', '/x/oauth/token'])
    assert.equal(bench.service.handles(pathname), false, pathname)
  for (const pathname of [
    '/oauth/token',
    '/oauth/callback',
    '/device',
    '/device/x',
    '/.well-known/openid-configuration',
  ])
    assert.equal(bench.service.handles(pathname), true, pathname)
})

test('an identity provider that is away makes logins unavailable, and nothing else', async (t) => {
  const away = await startIdentity(path.join(folder, 'away.db'), { issuer: 'http://127.0.0.1:9' }, { workloads: [] })
  t.after(away.stop)
  const response = await fetch(
    `${away.url}/oauth/authorize?client_id=sallyport-cli&response_type=code&scope=openid&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256`,
    { redirect: 'manual' },
  )
  const cookie = response.headers
    .getSetCookie()
    .map((text) => text.split(';')[0])
    .join('; ')
  const page = await fetch(new URL(response.headers.get('location') ?? '', away.url), { headers: { cookie } })
  assert.equal(page.status, 503)
  assert.match(await page.text(), /SP_AUTH_UNAVAILABLE/)
  assert.equal(await away.service.upstreamReachable(), false)
  assert.equal(await bench.service.upstreamReachable(), true)
})

test('the secret of a confidential client is asked for at each login, so that it can be rotated', async (t) => {
  const confidential = await startIdp('--client-secret', 'right-secret-of-the-client')
  t.after(confidential.stop)
  let secret = 'wrong'
  const upstream = {
    issuer: confidential.issuer,
    clientId: 'sallyport',
    clientSecret: async () => new Secret(secret),
  }
  const other = await startIdentity(path.join(folder, 'confidential.db'), confidential, { upstream })
  t.after(other.stop)
  await assert.rejects(other.logIn('alice'), /does not accept Sallyport&#39;s own credentials/)
  secret = 'right-secret-of-the-client'
  assert.equal((await other.logIn('alice')).status, 200)
})
