/**
 * MCP over plain HTTP, byte for byte, as no client of good will would: who gets in, how a request must look, and that each answer is in the words of
 * the protocol, changes nothing for the others, and leaves no token behind.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { PayloadView, RecordList } from '#api'
import { type Boundary, startBoundary } from '../demo/boundary.ts'
import { sallyport } from '../demo/command.ts'
import { demoSql } from '../demo/data.ts'
import { api, login, type PersonName, tokenOf } from '../demo/people.ts'
import { untilShown } from '../demo/showing.ts'
import { expireNewestToken } from './clients-boundary.ts'
import { fact } from './opened-trail.ts'
import { testPlan } from './plan.ts'

const POLICY = `@id("e2e-open") @need("a test") @owner("tests")
permit (principal is Person in Group::"payments-leads", action in Action::"open", resource == Server::"ledger");
`

let boundary: Boundary
let tokens: Readonly<Record<'alice' | 'bob' | 'expired' | 'cards' | 'api', string>>

before(async () => {
  boundary = await startBoundary({
    ...testPlan({ sql: [], tables: [], policy: POLICY }),
    sql: demoSql,
    panColumns: ['public.customers.pan'],
  })
  for (const person of ['alice', 'bob', 'dana'] as const) await login(boundary, person)
  const alice = await mcpToken('alice')
  const expired = await mcpToken('alice')
  await boundary.gateway().stop()
  expireNewestToken(boundary)
  await boundary.startGateway()
  tokens = {
    ...{ alice, expired, bob: await mcpToken('bob'), cards: await tokenOf(boundary, 'alice') },
    api: (JSON.parse(readFileSync(join(boundary.home, '.sallyport/alice.json'), 'utf8')) as { api: { token: string } })
      .api.token,
  }
})

after(() => boundary.stop(false))

async function mcpToken(person: PersonName): Promise<string> {
  const { exitCode, stdout, stderr } = await sallyport(boundary, 'token', 'ledger', '--profile', person)
  assert.equal(exitCode, 0, stderr)
  return stdout.trim()
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** What is sent; a header may come several times, and one that is undefined does not come at all. */
interface Asked {
  readonly method?: string
  readonly path?: string
  readonly token?: string
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body?: string
}

async function ask({ method = 'POST', path = '/mcp/ledger', token, headers = {}, body = '' }: Asked): Promise<Answer> {
  const all = {
    ...{
      host: new URL(boundary.url).host,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
    },
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(method === 'POST' ? { 'content-length': String(Buffer.byteLength(body)) } : {}),
    ...headers,
  }
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().flatMap((each) => [name, each]),
  )
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const sent = httpRequest(new URL(path, boundary.url), { method, headers: lines, agent: false }, (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.once('end', () => {
      const text = Buffer.concat(chunks).toString('utf8')
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text })
    })
  })
  sent.once('error', reject)
  sent.end(body)
  return await promise
}

const message = (method: string, params: unknown, id: unknown = 1): string =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params })
const INITIALIZE = message('initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'curl', version: '8' },
})
const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'curl', version: '8' },
  'io.modelcontextprotocol/clientCapabilities': {},
}

/** A request as of 2026. */
function modern(method: string, params: Readonly<Record<string, unknown>> = {}): Pick<Asked, 'headers' | 'body'> {
  const name = typeof params['name'] === 'string' ? { 'mcp-name': params['name'] } : {}
  return {
    headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, ...name },
    body: message(method, { ...params, _meta: META }),
  }
}

const lookup = (args: string): Pick<Asked, 'headers' | 'body'> => {
  const { headers, body } = modern('tools/call', { name: 'lookup_customer', arguments: 'HERE' })
  return { ...(headers === undefined ? {} : { headers }), body: (body ?? '').replace('"HERE"', args) }
}

describe('who is let in', () => {
  // Fewer than ten, after which the address would have to wait.
  const strangers: readonly (readonly [name: string, token: () => string, words: RegExp])[] = [
    ['a token that nobody issued', () => 'A'.repeat(43), /not one that this boundary issued for this resource/],
    ['a token of the database', () => tokens.cards, /not one that this boundary issued for this resource/],
    ['a token of the API', () => tokens.api, /not one that this boundary issued for this resource/],
    ['a token whose time is over', () => tokens.expired, /the token has expired/],
    ['a token in the form of another scheme', () => `${tokens.alice} x`, /not one that this boundary issued/],
  ]
  for (const [name, token, words] of strangers) {
    test(`not ${name}: 401, and where to get one`, async () => {
      const { status, headers, text } = await ask({ token: token(), ...modern('tools/list') })
      assert.equal(status, 401)
      const metadata = `${boundary.url}/.well-known/oauth-protected-resource/mcp/ledger`
      const challenge = String(headers['www-authenticate'])
      assert.match(challenge, /^Bearer error="invalid_token", error_description="/)
      assert.match(challenge, words)
      assert.ok(challenge.endsWith(`resource_metadata="${metadata}"`), challenge)
      assert.ok(!text.includes(token()))
    })
  }

  test('not without a token, nor with one in the address, nor under another name than exists', async () => {
    for (const asked of [
      modern('tools/list'),
      { ...modern('tools/list'), path: `/mcp/ledger?access_token=${tokens.alice}` },
      { method: 'GET', path: '/mcp/ledger' },
      { method: 'GET', path: '/mcp/nothing-there' },
    ]) {
      const { status, headers } = await ask(asked)
      assert.equal(status, 401)
      assert.match(String(headers['www-authenticate']), /^Bearer resource_metadata="/)
    }
  })

  test('the metadata leads to the authorization server', async () => {
    const { text } = await ask({ method: 'GET', path: '/.well-known/oauth-protected-resource/mcp/ledger' })
    const { resource, authorization_servers: servers } = JSON.parse(text) as {
      resource: string
      authorization_servers: string[]
    }
    assert.deepEqual([resource, servers], [`${boundary.url}/mcp/ledger`, [boundary.url]])
    const found = await ask({ method: 'GET', path: '/.well-known/oauth-authorization-server' })
    const { issuer, code_challenge_methods_supported: methods } = JSON.parse(found.text) as Record<string, unknown>
    assert.deepEqual([issuer, methods], [boundary.url, ['S256']])
  })
})

describe('how a request must look', () => {
  const deep = (depth: number): string => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`
  const cases: readonly (readonly [name: string, asked: Asked, status: number, words: RegExp])[] = [
    ['GET', { method: 'GET' }, 405, /^$/],
    ['PUT', { method: 'PUT', body: INITIALIZE }, 405, /^$/],
    ['another Host', { body: INITIALIZE, headers: { host: 'rebound.example' } }, 403, /Host or Origin/],
    ['another port in Host', { body: INITIALIZE, headers: { host: '127.0.0.1:1' } }, 403, /Host or Origin/],
    ['a foreign Origin', { body: INITIALIZE, headers: { origin: 'https://evil.example' } }, 403, /Host or Origin/],
    ['the Origin null', { body: INITIALIZE, headers: { origin: 'null' } }, 403, /Host or Origin/],
    [
      'two tokens',
      { body: INITIALIZE, headers: { authorization: ['Bearer a', 'Bearer b'] } },
      400,
      /a header came twice/,
    ],
    ['no JSON', { body: 'hello' }, 400, /-32700/],
    ['nothing', { body: '' }, 400, /-32700/],
    ['another type', { body: INITIALIZE, headers: { 'content-type': 'text/plain' } }, 415, /Content-Type/],
    ['only an event stream accepted', { body: INITIALIZE, headers: { accept: 'text/event-stream' } }, 406, /Accept/],
    ['compressed', { body: INITIALIZE, headers: { 'content-encoding': 'gzip' } }, 415, /compressed/],
    ['a batch', { body: `[${INITIALIZE},${INITIALIZE}]` }, 400, /batches are not taken/],
    ['more than a mebibyte', { body: message('x', { text: 'y'.repeat(1 << 20) }) }, 413, /at most 1048576 bytes/],
    ['too deep', { body: message('x', 'HERE').replace('"HERE"', deep(100)) }, 400, /deep|nest/],
    ['deep enough to end a stack', { body: message('x', 'HERE').replace('"HERE"', deep(200_000)) }, 400, /deep|nest/],
    ['a member twice', { body: INITIALIZE.replace('"id":1', '"id":1,"id":2') }, 400, /twice|duplicate/],
    [
      'a member twice, spelt differently',
      { body: INITIALIZE.replace('"id":1', String.raw`"method":"ping","m\u0065thod":"tools/call"`) },
      400,
      /twice|duplicate/,
    ],
    ['half a character', { body: message('x', {}).replace('"x"', String.raw`"\ud800"`) }, 400, /-32700|surrogate/],
    ['an id that is none', { body: message('ping', {}, { a: 1 }) }, 400, /id must be/],
    ['an answer to nothing', { body: '{"jsonrpc":"2.0","id":1,"result":{}}' }, 400, /no request of ours/],
    ['without a session of before 2026', { body: message('tools/list', {}) }, 400, /Mcp-Session-Id/],
    [
      'with a session that is not known',
      { body: message('tools/list', {}), headers: { 'mcp-session-id': 'f'.repeat(64) } },
      404,
      /not known or is over/,
    ],
    [
      'of a version that is not spoken',
      { body: message('tools/list', {}), headers: { 'mcp-protocol-version': '1999-01-01' } },
      400,
      /-32022/,
    ],
    [
      'as of 2026 with another method in its header',
      { ...modern('tools/list'), headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call' } },
      400,
      /-32020/,
    ],
    [
      'a method that is not passed on',
      modern('resources/list'),
      404,
      /-32601.*tools\/list and tools\/call only \[ref \w+\]/,
    ],
    ['a method that nobody knows', modern('admin/everything'), 404, /-32601.*\[ref \w+\]/],
    [
      'a tool that nobody knows',
      modern('tools/call', { name: 'drop', arguments: {} }),
      200,
      /Unknown tool: drop \[ref/,
    ],
    ['arguments that are none', lookup('[1]'), 200, /arguments must be an object/],
  ]
  for (const [name, asked, expected, words] of cases) {
    test(`${name}: ${expected}`, async () => {
      const { status, text, headers } = await ask({ token: tokens.alice, ...asked })
      assert.equal(status, expected, text)
      assert.match(text, words)
      assert.equal(headers['cache-control'], 'no-store')
      if (text !== '') assert.equal((JSON.parse(text) as { jsonrpc: string }).jsonrpc, '2.0')
    })
  }

  test('numbers reach the tool, and the record, as they were written', async () => {
    const { status, text } = await ask({ token: tokens.alice, ...lookup('{ "id":0.3e1 }') })
    assert.equal(status, 200)
    assert.match(text, /Claude Turing/)
    await untilShown(boundary)
    const { records } = await api<RecordList>(boundary, 'dana', '/records?tool=lookup_customer&limit=100')
    const call = records.find(
      ({ leaf }) => fact(leaf, 'unmapped', 'phase') === 'intent' && fact(leaf, 'class_uid') === 6003,
    )
    const { payload } = await api<PayloadView>(boundary, 'dana', `/records/${call?.ref ?? ''}/payload`)
    assert.ok(payload.endsWith('"arguments":{ "id":0.3e1 }}'), payload)
  })
})

test('a session of before 2026 belongs to whoever began it', async () => {
  const begun = await ask({ token: tokens.alice, body: INITIALIZE })
  const session = String(begun.headers['mcp-session-id'])
  assert.match(session, /^[0-9a-f]{64}$/)
  const list = { body: message('tools/list', {}), headers: { 'mcp-session-id': session } }
  assert.equal((await ask({ token: tokens.alice, ...list })).status, 200)
  assert.equal((await ask({ token: tokens.bob, ...list })).status, 404)
  assert.equal((await ask({ token: tokens.bob, method: 'DELETE', headers: list.headers })).status, 404)
  assert.equal((await ask({ token: tokens.alice, method: 'DELETE', headers: list.headers })).status, 204)
  assert.equal((await ask({ token: tokens.alice, ...list })).status, 404)
})

test('what was refused is on record, and no token is, anywhere', async () => {
  await untilShown(boundary)
  const { records } = await api<RecordList>(boundary, 'dana', '/records?limit=1000')
  const refused = records.filter(({ leaf }) => fact(leaf, 'unmapped', 'activity') === 'token-refused')
  assert.equal(refused.length >= 4, true, `${refused.length} refused tokens on record`)
  const verbs = records.map(({ leaf }) => fact(leaf, 'unmapped', 'verb'))
  assert.ok(verbs.includes('resources/list') && verbs.includes('unknown method'))
  const log = readFileSync(boundary.gatewayLog, 'utf8')
  for (const [name, token] of Object.entries(tokens)) {
    assert.ok(!log.includes(token) && !JSON.stringify(records).includes(token), `the token ${name}`)
  }
})
