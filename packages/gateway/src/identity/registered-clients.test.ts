/** Applications that register themselves: the official MCP client, and what is not let through. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import {
  auth,
  type OAuthClientMetadata,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
} from '@modelcontextprotocol/client'
import { Secret } from '#base'
import {
  type Agent,
  GatewayError,
  type Identity,
  type RejectedCredential,
  type Resource,
  type VerifiedCredential,
} from '#model'
import { createBrowser, type Visit } from '../../testkit/browser.ts'
import { type IdentityBench, startIdentity } from '../../testkit/identity.ts'
import { type IdpProcess, startIdp } from '../../testkit/idp.ts'

const REDIRECT_URI = 'http://127.0.0.1:53682/callback'
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
const ledger: Resource = { name: 'ledger-mcp', kind: 'mcp', tools: [] }
const other: Resource = { name: 'other-mcp', kind: 'mcp', tools: [] }
const cards: Resource = { name: 'cards', kind: 'postgres', tables: [] }

let idp: IdpProcess
let bench: IdentityBench
let folder: string
before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'sallyport-clients-'))
  idp = await startIdp()
  bench = await startIdentity(path.join(folder, 'control.db'), idp, { mcpServers: ['ledger-mcp', 'other-mcp'] })
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

type Answer = VerifiedCredential | RejectedCredential

const verify = async (token: string | undefined, resource: Resource = ledger, at = bench): Promise<Answer> =>
  await at.service.credentials.verify(new Secret(token ?? ''), resource)
const codeOf = (answer: Answer): string => (answer.kind === 'rejected' ? answer.code : answer.kind)
const agentOf = (identity: Identity | undefined): Agent | undefined => identity?.agent

interface Registered {
  readonly status: number
  readonly client_id?: string
  readonly error?: string
  readonly error_description?: string
  readonly [more: string]: unknown
}

const register = async (metadata: object, at = bench, headers: Record<string, string> = {}): Promise<Registered> => {
  const response = await fetch(`${at.url}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(metadata),
  })
  return { status: response.status, ...((await response.json()) as object) }
}

const newClient = async (metadata: object = {}, at = bench): Promise<string> => {
  const { client_id: clientId = '', ...answer } = await register({ redirect_uris: [REDIRECT_URI], ...metadata }, at)
  assert.match(clientId, /^cli_[a-p]{32}$/, JSON.stringify(answer))
  return clientId
}

/** Visits the authorization endpoint as an application has its person do. */
const visit = async (
  parameters: Readonly<Record<string, string | undefined>>,
  more: Partial<Visit> = {},
  at = bench,
): ReturnType<ReturnType<typeof createBrowser>['visit']> => {
  const query = {
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
    resource: `${at.url}/mcp/ledger-mcp`,
    ...parameters,
  }
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const until = ({ pathname }: URL): boolean => pathname === '/callback'
  const address = `${at.url}/oauth/authorize?${new URLSearchParams(given).toString()}`
  return await createBrowser().visit(address, { person: 'alice', until, ...more })
}

const logIn = async (
  clientId: string,
  parameters: Readonly<Record<string, string | undefined>> = {},
  at = bench,
): ReturnType<IdentityBench['exchange']> => {
  const { url, status, body } = await visit({ client_id: clientId, ...parameters }, {}, at)
  assert.equal(status, 0, body)
  return await at.exchange(url, { client_id: clientId })
}

/** What a program keeps for the official client's `auth`. */
class Keeper implements OAuthClientProvider {
  readonly redirectUrl = REDIRECT_URI
  client: StoredOAuthClientInformation | undefined
  kept: StoredOAuthTokens | undefined
  address: URL | undefined
  #verifier = ''
  #discovered: OAuthDiscoveryState | undefined

  get clientMetadata(): OAuthClientMetadata {
    return {
      client_name: 'Claude Code',
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    }
  }

  clientInformation(): StoredOAuthClientInformation | undefined {
    return this.client
  }

  saveClientInformation(client: StoredOAuthClientInformation): void {
    this.client = client
  }

  tokens(): StoredOAuthTokens | undefined {
    return this.kept
  }

  saveTokens(tokens: StoredOAuthTokens): void {
    this.kept = tokens
  }

  redirectToAuthorization(address: URL): void {
    this.address = address
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier
  }

  codeVerifier(): string {
    return this.#verifier
  }

  saveDiscoveryState(state: OAuthDiscoveryState): void {
    this.#discovered = state
  }

  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#discovered
  }
}

test('the official MCP client discovers, registers, has its person asked, and gets tokens that it can renew and give back', async () => {
  const serverUrl = `${bench.url}/mcp/ledger-mcp`
  const keeper = new Keeper()
  assert.equal(await auth(keeper, { serverUrl }), 'REDIRECT')
  assert.equal(keeper.address?.searchParams.get('resource'), serverUrl)
  const until = ({ pathname }: URL): boolean => pathname === '/callback'
  const { url: callback } = await createBrowser().visit(keeper.address?.href ?? '', { person: 'alice', until })
  const [code, iss] = [callback.searchParams.get('code') ?? '', callback.searchParams.get('iss') ?? '']
  assert.equal(iss, bench.url)
  assert.equal(await auth(keeper, { serverUrl, authorizationCode: code, iss }), 'AUTHORIZED')
  const first = keeper.kept
  assert.equal(first?.expires_in, 900)
  const answer = await verify(first?.access_token)
  assert.equal(answer.kind, 'verified')
  const { identity, grantId } = answer
  assert.deepEqual(identity, {
    kind: 'person',
    id: identity.id,
    issuer: idp.issuer,
    subject: 'alice',
    name: 'alice@example.com',
    groups: ['support'],
    mfa: true,
    agent: { id: keeper.client?.client_id, name: 'Claude Code' },
  })
  assert.equal(await auth(keeper, { serverUrl }), 'AUTHORIZED')
  assert.notEqual(keeper.kept?.access_token, first?.access_token)
  assert.notEqual(keeper.kept?.refresh_token, first?.refresh_token)
  const renewed = await verify(keeper.kept?.access_token)
  assert.deepEqual([renewed.kind, renewed.identity], ['verified', identity])
  const [login] = await bench.service.logins({ limit: 1 })
  assert.deepEqual(
    [login?.grantId, login?.clientId, login?.clientName],
    [grantId, keeper.client?.client_id, 'Claude Code'],
  )
  const given = { client_id: keeper.client?.client_id ?? '', token: keeper.kept?.refresh_token ?? '' }
  assert.equal((await bench.post('/oauth/revoke', given)).status, 200)
  for (const token of [first?.access_token, keeper.kept?.access_token])
    assert.equal(codeOf(await verify(token)), 'SP_AUTH_TOKEN_UNKNOWN')
})

test('the official MCP client does not take the metadata of one MCP server for that of another', async () => {
  const resourceMetadataUrl = new URL(`${bench.url}/.well-known/oauth-protected-resource/mcp/other-mcp`)
  const keeper = new Keeper()
  await assert.rejects(
    auth(keeper, { serverUrl: `${bench.url}/mcp/ledger-mcp`, resourceMetadataUrl }),
    /does not match/,
  )
  assert.equal(keeper.client, undefined)
})

test('the registration, the login and each token are on record, with the agent and where it came from', async () => {
  const clientId = await newClient({ client_name: 'Cursor' })
  await logIn(clientId)
  const facts = bench.events.map(({ class: kind, activity, actor, client, resource, details }) => {
    assert.equal(client?.address, '127.0.0.1')
    return [kind, activity, actor?.name, actor?.agent?.name, resource, details?.['client'], details?.['audience']]
  })
  const audience = `${bench.url}/mcp/ledger-mcp`
  const alice = 'alice@example.com'
  assert.deepEqual(facts, [
    ['entity-management', 'client-register', undefined, undefined, undefined, undefined, undefined],
    ['authentication', 'login', alice, 'Cursor', undefined, clientId, undefined],
    ['authentication', 'token-issued', alice, 'Cursor', 'ledger-mcp', clientId, audience],
  ])
  assert.deepEqual(bench.events[0]?.details, {
    entity: { type: 'client', uid: clientId, name: 'Cursor' },
    redirect_hosts: ['127.0.0.1:53682'],
    application_type: 'native',
  })
})

test('the page that asks says who, what for and where to, in its own words and without a Yes that lies ready', async () => {
  const clientId = await newClient({ client_name: '<b>Sallyport</b>\u202e says: go on' })
  const pages: { readonly body: string; readonly headers: Headers }[] = []
  const onResponse = (url: URL, response: Response): void => {
    if (url.pathname.startsWith('/oauth/interaction/')) pages.push({ body: '', headers: response.headers })
  }
  const { body, url } = await visit(
    { client_id: clientId },
    { person: 'nobody', consent: 'no', until: isAnswer, onResponse },
  )
  assert.equal(body, '')
  assert.match(url.pathname, /\/answer$/)
  const [asked] = pages
  assert.match(asked?.headers.get('content-security-policy') ?? '', /frame-ancestors 'none'/)
  assert.equal(asked?.headers.get('x-frame-options'), 'DENY')
  const shown = await askPage(clientId)
  assert.match(shown, /calls itself “&lt;b&gt;Sallyport&lt;\/b&gt; says: go on”/)
  assert.match(shown, /MCP server ledger-mcp as you\. Nobody has checked that name\./)
  assert.match(shown, /a program on this computer \(127\.0\.0\.1:53682\)/)
  assert.match(shown, new RegExp(`${clientId} · ${bench.url}/mcp/ledger-mcp`))
  assert.doesNotMatch(shown, /autofocus|<script/)
  const remote = await newClient({ redirect_uris: ['https://evil.example/callback'] })
  assert.match(
    await askPage(remote, 'https://evil.example/callback'),
    /does not give its name[\s\S]*goes to evil\.example, which is not this computer/,
  )
})

const isAnswer = ({ pathname }: URL): boolean => pathname.endsWith('/answer')

/** The page that asks, as somebody sees it who has not answered yet. */
async function askPage(clientId: string, redirectUri = REDIRECT_URI): Promise<string> {
  const { body } = await visit({ client_id: clientId, redirect_uri: redirectUri }, { consent: 'none' })
  return body
}

test('a No is told to the application and recorded, and nobody is logged in', async () => {
  const clientId = await newClient()
  bench.events.length = 0
  const { url } = await visit({ client_id: clientId, state: 'x' }, { consent: 'no' })
  assert.deepEqual(
    ['error', 'error_description', 'iss', 'state', 'code'].map((name) => url.searchParams.get(name)),
    ['access_denied', 'the person did not agree', bench.url, 'x', null],
  )
  assert.deepEqual(
    bench.events.map(({ activity, status, code, details }) => [activity, status, code, details]),
    [['login', 'failure', 'SP_AUTH_LOGIN_REFUSED', { reason: 'the person did not agree', client: clientId }]],
  )
})

test('a Yes that did not come from the page, or from another browser, is none', async () => {
  const clientId = await newClient()
  const until = ({ port }: URL): boolean => port === '53682'
  const cookies: string[] = []
  let page: URL | undefined
  const onResponse = (url: URL, response: Response): void => {
    if (url.pathname.startsWith('/oauth/interaction/')) page = url
    for (const cookie of response.headers.getSetCookie()) cookies.push(cookie.split(';')[0] ?? '')
  }
  const { body } = await visit({ client_id: clientId }, { consent: 'none', until, onResponse })
  const proof = /name="proof" value="([^"]+)"/.exec(body)?.[1] ?? ''
  const send = async (form: Record<string, string>, headers: Record<string, string>): Promise<Response> =>
    await fetch(`${page?.href}/answer`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams(form),
      headers,
    })
  const cookie = cookies.join('; ')
  for (const [form, headers] of [
    [{ answer: 'yes' }, { cookie }],
    [{ answer: 'yes', proof: 'x'.repeat(64) }, { cookie }],
    [
      { answer: 'yes', proof },
      { cookie, 'sec-fetch-site': 'cross-site' },
    ],
    [
      { answer: 'yes', proof },
      { cookie, 'sec-fetch-site': 'same-site' },
    ],
    [{ answer: 'yes', proof }, {}],
    [{ answer: 'yes', proof, filling: 'x'.repeat(2000) }, { cookie }],
  ] as const)
    assert.equal((await send(form, headers)).status, 403, JSON.stringify([form, headers]))
  // The way to the identity provider is not open without the Yes.
  assert.equal(
    (await fetch(`${page?.href}/finish?code=x&state=${'x'.repeat(43)}`, { headers: { cookie } })).status,
    403,
  )
  assert.equal((await fetch(`${page?.href}/answer`, { headers: { cookie } })).status, 405)
  const yes = await send({ answer: 'yes', proof }, { cookie, 'sec-fetch-site': 'same-origin' })
  assert.equal(yes.status, 303)
  assert.equal(yes.headers.get('location')?.startsWith(idp.issuer), true)
})

test('whatever scopes an application asks for, it gets a token that works', async () => {
  const clientId = await newClient()
  for (const parameters of [
    {},
    { scope: 'access' },
    { scope: 'openid offline_access access' },
    { scope: 'openid offline_access access', prompt: 'consent' },
    { scope: 'mcp:tools read:everything' },
    { scope: '' },
  ]) {
    const token = await logIn(clientId, parameters)
    assert.equal(token.status, 200, JSON.stringify(parameters))
    assert.equal(codeOf(await verify(token.access_token)), 'verified')
    const { refresh_token: refreshToken = '' } = token
    const renewed = await bench.post('/oauth/token', {
      client_id: clientId,
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
    })
    assert.equal(codeOf(await verify(renewed.access_token)), 'verified')
  }
})

test('an application must say which MCP server it means, one that there is', async () => {
  const clientId = await newClient()
  for (const [resource, words] of [
    [undefined, /say which MCP server the token is for: send its URL as "resource"/],
    [`${bench.url}/api`, /no such resource/],
    [`${bench.url}/resource/cards`, /no such resource/],
    [`${bench.url}/resource/ledger-mcp`, /no such resource/],
    [`${bench.url}/mcp/none`, /no such resource/],
    [`${bench.url}/mcp/ledger-mcp/`, /no such resource/],
    [bench.url, /no such resource/],
    ['https://evil.example/mcp/ledger-mcp', /no such resource/],
  ] as const) {
    const { url } = await visit({ client_id: clientId, resource })
    assert.equal(url.searchParams.get('error'), 'invalid_target', resource ?? 'none')
    assert.match(url.searchParams.get('error_description') ?? '', words)
  }
  const two = new URLSearchParams({
    client_id: clientId,
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
  })
  for (const { name } of [ledger, other]) two.append('resource', `${bench.url}/mcp/${name}`)
  const response = await fetch(`${bench.url}/oauth/authorize?${two.toString()}`, { redirect: 'manual' })
  assert.match(response.headers.get('location') ?? '', /error=invalid_target.*one\+MCP\+server/)
})

test("an application's token opens its MCP server and nothing else: no other one, no database, not the API", async () => {
  const clientId = await newClient()
  const token = await logIn(clientId)
  assert.equal(codeOf(await verify(token.access_token)), 'verified')
  for (const answer of [
    await verify(token.access_token, other),
    await verify(token.access_token, cards),
    await verify(token.access_token, { ...cards, name: 'ledger-mcp' }),
    await bench.service.verifyApi(new Secret(token.access_token ?? '')),
  ]) {
    assert.equal(codeOf(answer), 'SP_AUTH_TOKEN_AUDIENCE')
    assert.equal(agentOf(answer.identity)?.id, clientId)
  }
  let { refresh_token: refreshToken = '' } = token
  for (const resource of [`${bench.url}/api`, `${bench.url}/resource/cards`, `${bench.url}/mcp/other-mcp`]) {
    const refused = await bench.post('/oauth/token', {
      client_id: clientId,
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      resource,
    })
    assert.deepEqual([refused.error, refused.access_token], ['invalid_target', undefined], resource)
    refreshToken = (await logIn(clientId)).refresh_token ?? ''
  }
  const { url } = await visit({ client_id: clientId })
  const elsewhere = await bench.exchange(url, { client_id: clientId, resource: `${bench.url}/mcp/other-mcp` })
  assert.deepEqual([elsewhere.error, elsewhere.access_token], ['invalid_target', undefined])
  for (const grant of ['urn:ietf:params:oauth:grant-type:device_code', 'client_credentials'])
    assert.ok((await bench.post('/oauth/token', { client_id: clientId, grant_type: grant })).status >= 400)
  assert.ok((await bench.post('/oauth/device', { client_id: clientId, resource: `${bench.url}/api` })).status >= 400)
})

test('the command line gets a token for an MCP server by its name, without an agent, and good for that alone', async () => {
  const login = await bench.logIn('alice')
  const byName = await bench.refresh(login.refresh_token, '/resource/ledger-mcp')
  const byUri = await bench.refresh(byName.refresh_token, '/mcp/ledger-mcp')
  for (const { access_token: token } of [byName, byUri]) {
    const answer = await verify(token)
    assert.deepEqual(
      [answer.kind, answer.identity?.name, agentOf(answer.identity)],
      ['verified', 'alice@example.com', undefined],
    )
    assert.equal(codeOf(await verify(token, other)), 'SP_AUTH_TOKEN_AUDIENCE')
    assert.equal(codeOf(await verify(token, cards)), 'SP_AUTH_TOKEN_AUDIENCE')
  }
  assert.equal(codeOf(await bench.service.verifyApi(new Secret(login.access_token ?? ''))), 'verified')
  assert.equal((await bench.service.logins({ limit: 1 }))[0]?.clientName, 'The Sallyport command line')
})

test("a CI job's own token opens an MCP server when it is for that or for Sallyport", async () => {
  for (const audience of [bench.url, `${bench.url}/mcp/ledger-mcp`]) {
    const answer = await verify(await idp.jobToken(audience))
    assert.deepEqual([answer.kind, answer.identity?.id, agentOf(answer.identity)], ['verified', 'ci-bot', undefined])
  }
  for (const audience of [`${bench.url}/mcp/other-mcp`, `${bench.url}/resource/ledger-mcp`])
    assert.equal(codeOf(await verify(await idp.jobToken(audience))), 'SP_AUTH_JOB_TOKEN_INVALID')
})

test('a code is good once, for its application, its address and its verifier; used twice it ends the login', async () => {
  const clientId = await newClient()
  const stranger = await newClient()
  const begin = async (): Promise<URL> => (await visit({ client_id: clientId })).url
  for (const parameters of [
    { client_id: stranger },
    { client_id: 'sallyport-cli' },
    { code_verifier: 'x'.repeat(43) },
    { redirect_uri: 'http://127.0.0.1:1/callback' },
  ])
    assert.ok(
      (await bench.exchange(await begin(), { client_id: clientId, ...parameters })).status >= 400,
      JSON.stringify(parameters),
    )
  const callback = await begin()
  const token = await bench.exchange(callback, { client_id: clientId })
  assert.equal(codeOf(await verify(token.access_token)), 'verified')
  assert.equal((await bench.exchange(callback, { client_id: clientId })).error, 'invalid_grant')
  assert.equal(codeOf(await verify(token.access_token)), 'SP_AUTH_TOKEN_UNKNOWN')
})

test('an answer goes to an address that was registered, on loopback whatever its port', async () => {
  const clientId = await newClient({ redirect_uris: ['http://localhost:1/callback', 'https://app.example/callback'] })
  const { url } = await visit({ client_id: clientId, redirect_uri: 'http://localhost:4711/callback' })
  assert.equal(url.port, '4711')
  for (const redirectUri of [
    'http://127.0.0.1:1/callback',
    'http://localhost:1/elsewhere',
    'https://app.example/callback?x=1',
    'https://app.example:444/callback',
    'https://evil.example/callback',
  ]) {
    const { status, url: ended } = await visit(
      { client_id: clientId, redirect_uri: redirectUri },
      { until: () => false },
    )
    assert.deepEqual([status, ended.pathname], [400, '/oauth/authorize'], redirectUri)
  }
})

test('an application without PKCE, or with a plain challenge, is refused', async () => {
  const clientId = await newClient()
  for (const parameters of [
    { code_challenge: undefined, code_challenge_method: undefined },
    { code_challenge_method: 'plain' },
  ]) {
    const { url } = await visit({ client_id: clientId, ...parameters })
    assert.equal(url.searchParams.get('error'), 'invalid_request')
  }
})

test('what is registered is told; what is not heeded is not kept', async () => {
  const answer = await register({
    client_name: '  Über \n Agent​ ',
    redirect_uris: [REDIRECT_URI, REDIRECT_URI],
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['authorization_code', 'client_credentials'],
    scope: 'everything',
    logo_uri: 'https://evil.example/logo.png',
    jwks_uri: 'http://169.254.169.254/',
    software_statement: 'x',
  })
  const { client_id: clientId, client_id_issued_at: issuedAt, ...rest } = answer
  assert.match(clientId ?? '', /^cli_[a-p]{32}$/)
  assert.ok(Math.abs(Number(issuedAt) - Date.now() / 1000) < 10)
  assert.deepEqual(rest, {
    status: 201,
    client_name: 'Über Agent',
    redirect_uris: [REDIRECT_URI],
    application_type: 'native',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  })
  const token = await logIn(clientId ?? '')
  assert.deepEqual([token.status, token.refresh_token], [200, undefined])
})

test('a registration that is too large, no JSON, or no registration is refused in the words of RFC 7591', async () => {
  const send = async (body: string, type = 'application/json', method = 'POST'): Promise<Registered> => {
    const response = await fetch(`${bench.url}/oauth/register`, {
      method,
      headers: { 'content-type': type },
      ...(method === 'POST' ? { body } : {}),
    })
    return { status: response.status, ...((await response.json()) as object) }
  }
  const good = JSON.stringify({ redirect_uris: [REDIRECT_URI] })
  for (const [answer, status, error] of [
    [
      await send(JSON.stringify({ redirect_uris: [REDIRECT_URI], filling: 'x'.repeat(20_000) })),
      413,
      'invalid_client_metadata',
    ],
    [await send('x'.repeat(5_000_000)), 413, 'invalid_client_metadata'],
    [await send('{'), 400, 'invalid_client_metadata'],
    [await send(good, 'text/plain'), 400, 'invalid_client_metadata'],
    [await send(good, 'application/x-www-form-urlencoded'), 400, 'invalid_client_metadata'],
    [await send(JSON.stringify({ redirect_uris: ['http://evil.example/'] })), 400, 'invalid_redirect_uri'],
    [await send('', 'application/json', 'GET'), 405, 'invalid_client_metadata'],
  ] as const) {
    assert.deepEqual([answer.status, answer.error], [status, error])
    assert.equal(typeof answer.error_description, 'string')
  }
  assert.equal(bench.events.length, 0)
})

test('a registration that cannot be recorded does not happen', async () => {
  const before = await bench.store.identity.artefacts.count('Client')
  bench.onRecord = async () => await Promise.reject(new GatewayError('SP_TRAIL_UNAVAILABLE'))
  const refused = await register({ redirect_uris: [REDIRECT_URI] })
  assert.deepEqual([refused.status, refused.error], [503, 'temporarily_unavailable'])
  assert.equal(await bench.store.identity.artefacts.count('Client'), before)
})

test('a registration without a login is forgotten after a day, one with a login is kept, also over a restart', async () => {
  const file = path.join(folder, 'restart.db')
  const first = await startIdentity(file, idp, { mcpServers: ['ledger-mcp'] })
  const [unused, used] = [await newClient({}, first), await newClient({ client_name: 'Kept' }, first)]
  const token = await logIn(used, {}, first)
  await first.stop()
  const second = await startIdentity(file, idp, { mcpServers: ['ledger-mcp'], publicUrl: first.url })
  const answer = await verify(token.access_token, ledger, second)
  assert.deepEqual(agentOf(answer.identity), { id: used, name: 'Kept' })
  const begin = async (clientId: string): Promise<number> => {
    const query = {
      client_id: clientId,
      redirect_uri: REDIRECT_URI,
      response_type: 'code',
      resource: `${first.url}/mcp/ledger-mcp`,
    }
    const pkce = { code_challenge: CHALLENGE, code_challenge_method: 'S256' }
    const address = `${second.address}/oauth/authorize?${new URLSearchParams({ ...query, ...pkce }).toString()}`
    return (await fetch(address, { redirect: 'manual' })).status
  }
  assert.deepEqual([await begin(unused), await begin(used)], [303, 303])
  second.clock.aheadMs = 25 * 3_600_000
  assert.deepEqual([await begin(unused), await begin(used)], [400, 303])
  await second.store.identity.artefacts.sweep(Math.floor(second.clock.nowMs()), 1000)
  assert.equal(await second.store.identity.artefacts.count('Client'), 1)
  second.clock.aheadMs = 181 * 24 * 3_600_000
  assert.equal(await begin(used), 400)
  await second.stop()
})

test('there is an end to registrations from one address', async (t) => {
  const few = await startIdentity(path.join(folder, 'few.db'), idp, { mcpServers: ['ledger-mcp'] })
  t.after(few.stop)
  const statuses: number[] = []
  for (let count = 0; count < 122; count++) statuses.push((await register({ redirect_uris: [] }, few)).status)
  assert.deepEqual([statuses.indexOf(429), new Set(statuses.slice(0, 120))], [120, new Set([400])])
  few.clock.aheadMs = 3_600_000
  assert.equal((await register({ redirect_uris: [REDIRECT_URI] }, few)).status, 201)
})

test('agents lose what they have with the token, the login or the person', async () => {
  const dana: Identity = {
    kind: 'person',
    id: 'usr_dana',
    issuer: 'i',
    subject: 's',
    name: 'dana',
    groups: [],
    mfa: true,
  }
  const clientId = await newClient()
  for (const kind of ['token', 'token-id', 'grant', 'identity'] as const) {
    const { access_token: token = '' } = await logIn(clientId)
    const answer = await verify(token)
    assert.equal(answer.kind, 'verified')
    const targets = {
      token: { kind: 'token', token: new Secret(token) },
      'token-id': { kind: 'token-id', tokenId: answer.tokenId },
      grant: { kind: 'grant', grantId: answer.grantId },
      identity: { kind: 'identity', identityId: answer.identity.id },
    } as const
    assert.equal(bench.service.tokenIdOf(new Secret(token)), answer.tokenId)
    assert.equal(await bench.service.revoke(targets[kind], dana, 'test'), true)
    assert.equal(codeOf(await verify(token)), 'SP_AUTH_TOKEN_UNKNOWN')
  }
})

test('the metadata that MCP clients look for', async () => {
  const ask = async (
    pathname: string,
  ): Promise<{ readonly status: number; readonly cors: string | null; readonly body: object }> => {
    const response = await fetch(`${bench.url}${pathname}`, {
      headers: { accept: 'application/json', origin: 'http://localhost:6274' },
    })
    const { status, headers } = response
    return { status, cors: headers.get('access-control-allow-origin'), body: (await response.json()) as object }
  }
  const root = await ask('/.well-known/oauth-authorization-server')
  assert.deepEqual(
    { ...root.body, claims_supported: undefined, response_modes_supported: undefined },
    {
      issuer: bench.url,
      authorization_endpoint: `${bench.url}/oauth/authorize`,
      token_endpoint: `${bench.url}/oauth/token`,
      registration_endpoint: `${bench.url}/oauth/register`,
      revocation_endpoint: `${bench.url}/oauth/revoke`,
      device_authorization_endpoint: `${bench.url}/oauth/device`,
      jwks_uri: `${bench.url}/oauth/jwks`,
      scopes_supported: ['openid', 'offline_access', 'access'],
      response_types_supported: ['code'],
      response_modes_supported: undefined,
      grant_types_supported: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
      token_endpoint_auth_methods_supported: ['none'],
      revocation_endpoint_auth_methods_supported: ['none'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      client_id_metadata_document_supported: false,
      claim_types_supported: ['normal'],
      claims_parameter_supported: false,
      claims_supported: undefined,
      id_token_signing_alg_values_supported: ['ES256'],
      request_uri_parameter_supported: false,
      subject_types_supported: ['public'],
    },
  )
  assert.equal(root.cors, 'http://localhost:6274')
  for (const pathname of [
    '/.well-known/openid-configuration',
    '/.well-known/oauth-authorization-server/mcp/ledger-mcp',
    '/.well-known/openid-configuration/mcp/ledger-mcp',
  ])
    assert.deepEqual(await ask(pathname), root, pathname)
  assert.deepEqual(await ask('/.well-known/oauth-protected-resource/mcp/ledger-mcp'), {
    status: 200,
    cors: '*',
    body: {
      resource: `${bench.url}/mcp/ledger-mcp`,
      authorization_servers: [bench.url],
      scopes_supported: ['access'],
      bearer_methods_supported: ['header'],
      resource_name: 'ledger-mcp',
    },
  })
  for (const pathname of [
    '/.well-known/oauth-protected-resource',
    '/.well-known/oauth-protected-resource/mcp/none',
    '/.well-known/oauth-protected-resource/resource/cards',
    '/.well-known/oauth-authorization-server/mcp/none',
    '/.well-known/oauth-authorization-server/x',
  ]) {
    assert.equal(bench.service.handles(pathname), true)
    assert.equal((await fetch(`${bench.url}${pathname}`)).status, 404, pathname)
  }
})

test('a page in a browser may register, ask for tokens and read metadata, and no credentials go with it', async () => {
  const origin = 'http://localhost:6274'
  const preflight = {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type',
  }
  for (const pathname of ['/oauth/register', '/oauth/token', '/oauth/revoke']) {
    const { status, headers } = await fetch(`${bench.url}${pathname}`, { method: 'OPTIONS', headers: preflight })
    assert.equal(status, 204, pathname)
    assert.match(headers.get('access-control-allow-origin') ?? '', /^(\*|http:\/\/localhost:6274)$/)
    assert.equal(headers.get('access-control-allow-credentials'), null)
    assert.match(headers.get('access-control-allow-headers') ?? '', /^(\*|content-type)$/)
  }
  const described = `${bench.url}/.well-known/oauth-protected-resource/mcp/ledger-mcp`
  const asked = { ...preflight, 'access-control-request-headers': 'mcp-protocol-version' }
  assert.equal(
    (await fetch(described, { method: 'OPTIONS', headers: asked })).headers.get('access-control-allow-headers'),
    '*',
  )
  assert.equal((await fetch(described, { method: 'POST' })).status, 405)
  const clientId = await newClient()
  const { url } = await visit({ client_id: clientId })
  const form = {
    grant_type: 'authorization_code',
    code: url.searchParams.get('code') ?? '',
    redirect_uri: REDIRECT_URI,
    code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
  }
  const ask = async (more: Record<string, string>): Promise<Response> =>
    await fetch(`${bench.url}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({ ...form, ...more }),
      headers: { origin },
    })
  const answer = await ask({ client_id: clientId })
  assert.deepEqual([answer.status, answer.headers.get('access-control-allow-origin')], [200, origin])
  assert.equal(answer.headers.get('access-control-allow-credentials'), null)
  const forTheCommandLine = await ask({ client_id: 'sallyport-cli' })
  assert.deepEqual(
    [forTheCommandLine.status, forTheCommandLine.headers.get('access-control-allow-origin')],
    [400, null],
  )
})

test('without an MCP server nobody registers', async (t) => {
  const none = await startIdentity(path.join(folder, 'none.db'), idp)
  t.after(none.stop)
  const metadata = (await (await fetch(`${none.url}/.well-known/oauth-authorization-server`)).json()) as Registered
  assert.equal(metadata['registration_endpoint'], undefined)
  const response = await fetch(`${none.url}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: [REDIRECT_URI] }),
  })
  assert.equal(response.status, 404)
})
