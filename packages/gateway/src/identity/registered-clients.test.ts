/** Applications that registered themselves: the official MCP client, and what is not let through. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { auth } from '@modelcontextprotocol/client'
import { Secret } from '#base'
import type { Agent, Identity, RejectedCredential, Resource, VerifiedCredential } from '#model'
import { type Applications, applicationsOf } from '../../testkit/applications.ts'
import { createBrowser } from '../../testkit/browser.ts'
import { type IdentityBench, startIdentity } from '../../testkit/identity.ts'
import { type IdpProcess, startIdp } from '../../testkit/idp.ts'
import { ProgramState } from '../../testkit/program-state.ts'

const ledger: Resource = { name: 'ledger-mcp', kind: 'mcp', tools: [] }
const other: Resource = { name: 'other-mcp', kind: 'mcp', tools: [] }
const cards: Resource = { name: 'cards', kind: 'postgres', tables: [] }

let idp: IdpProcess
let bench: IdentityBench
let applications: Applications
let folder: string
before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'sallyport-clients-'))
  idp = await startIdp()
  bench = await startIdentity(path.join(folder, 'control.db'), idp, { mcpServers: ['ledger-mcp', 'other-mcp'] })
  applications = applicationsOf(bench)
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

test('the official MCP client discovers, registers, has its person asked, and gets tokens that it can renew and give back', async () => {
  const serverUrl = `${bench.url}/mcp/ledger-mcp`
  const keeper = new ProgramState()
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
  const keeper = new ProgramState()
  await assert.rejects(
    auth(keeper, { serverUrl: `${bench.url}/mcp/ledger-mcp`, resourceMetadataUrl }),
    /does not match/,
  )
  assert.equal(keeper.client, undefined)
})

test('the registration, the login and each token are on record, with the agent and where it came from', async () => {
  const clientId = await applications.create({ client_name: 'Cursor' })
  await applications.logIn(clientId)
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

test('whatever scopes an application asks for, it gets a token that works', async () => {
  const clientId = await applications.create()
  for (const parameters of [
    {},
    { scope: 'access' },
    { scope: 'openid offline_access access' },
    { scope: 'openid offline_access access', prompt: 'consent' },
    { scope: 'mcp:tools read:everything' },
    { scope: '' },
  ]) {
    const token = await applications.logIn(clientId, parameters)
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
  const clientId = await applications.create()
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
    const { url } = await applications.visit({ client_id: clientId, resource })
    assert.equal(url.searchParams.get('error'), 'invalid_target', resource ?? 'none')
    assert.match(url.searchParams.get('error_description') ?? '', words)
  }
  const two = new URL(applications.address({ client_id: clientId }))
  two.searchParams.append('resource', `${bench.url}/mcp/other-mcp`)
  const response = await fetch(two, { redirect: 'manual' })
  assert.match(response.headers.get('location') ?? '', /error=invalid_target.*one\+MCP\+server/)
})

test("an application's token opens its MCP server and nothing else: no other one, no database, not the API", async () => {
  const clientId = await applications.create()
  const token = await applications.logIn(clientId)
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
    refreshToken = (await applications.logIn(clientId)).refresh_token ?? ''
  }
  const { url } = await applications.visit({ client_id: clientId })
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
  const clientId = await applications.create()
  const stranger = await applications.create()
  const begin = async (): Promise<URL> => (await applications.visit({ client_id: clientId })).url
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
  const clientId = await applications.create({
    redirect_uris: ['http://localhost:1/callback', 'https://app.example/callback'],
  })
  const { url } = await applications.visit({ client_id: clientId, redirect_uri: 'http://localhost:4711/callback' })
  assert.equal(url.port, '4711')
  for (const redirectUri of [
    'http://127.0.0.1:1/callback',
    'http://localhost:1/elsewhere',
    'https://app.example/callback?x=1',
    'https://app.example:444/callback',
    'https://evil.example/callback',
  ]) {
    const { status, url: ended } = await applications.visit(
      { client_id: clientId, redirect_uri: redirectUri },
      { until: () => false },
    )
    assert.deepEqual([status, ended.pathname], [400, '/oauth/authorize'], redirectUri)
  }
})

test('an application without PKCE, or with a plain challenge, is refused', async () => {
  const clientId = await applications.create()
  for (const parameters of [
    { code_challenge: undefined, code_challenge_method: undefined },
    { code_challenge_method: 'plain' },
  ]) {
    const { url } = await applications.visit({ client_id: clientId, ...parameters })
    assert.equal(url.searchParams.get('error'), 'invalid_request')
  }
})

test('a registration without a login is forgotten after a day, one with a login is kept, also over a restart', async () => {
  const file = path.join(folder, 'restart.db')
  const first = await startIdentity(file, idp, { mcpServers: ['ledger-mcp'] })
  const [unused, used] = [
    await applicationsOf(first).create(),
    await applicationsOf(first).create({ client_name: 'Kept' }),
  ]
  const token = await applicationsOf(first).logIn(used)
  await first.stop()
  const second = await startIdentity(file, idp, { mcpServers: ['ledger-mcp'], publicUrl: first.url })
  const answer = await verify(token.access_token, ledger, second)
  assert.deepEqual(agentOf(answer.identity), { id: used, name: 'Kept' })
  const begin = async (clientId: string): Promise<number> =>
    (await fetch(applicationsOf(second).address({ client_id: clientId }), { redirect: 'manual' })).status
  assert.deepEqual([await begin(unused), await begin(used)], [303, 303])
  second.clock.aheadMs = 25 * 3_600_000
  assert.deepEqual([await begin(unused), await begin(used)], [400, 303])
  await second.store.identity.artefacts.sweep(Math.floor(second.clock.nowMs()), 1000)
  assert.equal(await second.store.identity.artefacts.count('Client'), 1)
  second.clock.aheadMs = 181 * 24 * 3_600_000
  assert.equal(await begin(used), 400)
  await second.stop()
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
  const clientId = await applications.create()
  for (const kind of ['token', 'token-id', 'grant', 'identity'] as const) {
    const { access_token: token = '' } = await applications.logIn(clientId)
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
