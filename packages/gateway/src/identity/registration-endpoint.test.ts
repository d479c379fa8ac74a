/** Registrations, and what applications find before them. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { GatewayError } from '#model'
import { type Applications, applicationsOf, REDIRECT_URI, type Registered } from '../../testkit/applications.ts'
import { type IdentityBench, startIdentity } from '../../testkit/identity.ts'
import { type IdpProcess, startIdp } from '../../testkit/idp.ts'

let idp: IdpProcess
let bench: IdentityBench
let applications: Applications
let folder: string
before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'sallyport-registration-'))
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

test('what is registered is told; what is not heeded is not kept', async () => {
  const answer = await applications.register({
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
  const token = await applications.logIn(clientId ?? '')
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
  const refused = await applications.register({ redirect_uris: [REDIRECT_URI] })
  assert.deepEqual([refused.status, refused.error], [503, 'temporarily_unavailable'])
  assert.equal(await bench.store.identity.artefacts.count('Client'), before)
})

test('there is an end to registrations from one address', async (t) => {
  const few = await startIdentity(path.join(folder, 'few.db'), idp, { mcpServers: ['ledger-mcp'] })
  t.after(few.stop)
  const statuses: number[] = []
  for (let count = 0; count < 122; count++)
    statuses.push((await applicationsOf(few).register({ redirect_uris: [] })).status)
  assert.deepEqual([statuses.indexOf(429), new Set(statuses.slice(0, 120))], [120, new Set([400])])
  few.clock.aheadMs = 3_600_000
  assert.equal((await applicationsOf(few).register({ redirect_uris: [REDIRECT_URI] })).status, 201)
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
  const clientId = await applications.create()
  const { url } = await applications.visit({ client_id: clientId })
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
