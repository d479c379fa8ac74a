/** The door: who is let in, how a request must look, and what each era is answered. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { createMasking } from '#masking'
import { GatewayError, type ResultMasker } from '#model'
import { DEFAULT_FRONT_LIMITS } from './options.ts'
import { type JsonMessage, META, modern, startBoundary, type TestBoundary } from './testkit/boundary.ts'
import { createTestServers, type TestServers } from './testkit/servers.ts'

const ECHO =
  '{"name":"echo","inputSchema":{"type":"object","properties":{"text":{"type":"string","x-mcp-header":"Text"}}}}'

let servers: TestServers
let boundary: TestBoundary

before(async () => {
  servers = createTestServers([ECHO], {
    echo: async (params) => await Promise.resolve(`{"content":[{"type":"text","text":${JSON.stringify(params)}}]}`),
  })
  boundary = await startBoundary({ servers, pinned: [ECHO] })
})

after(async () => {
  await boundary[Symbol.asyncDispose]()
})

const json = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
const asAlice = { ...json, authorization: 'Bearer alices-token' }
const ping = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })

async function body(response: Response): Promise<JsonMessage> {
  return (await response.json()) as JsonMessage
}

/** Begins a session of before 2026-07-28; its headers. */
async function begin(
  headers: Readonly<Record<string, string>> = {},
  version = '2025-11-25',
): Promise<Record<string, string>> {
  const response = await boundary.post(
    {
      jsonrpc: '2.0',
      id: 0,
      method: 'initialize',
      params: { protocolVersion: version, capabilities: {}, clientInfo: { name: 't', version: '1' } },
    },
    headers,
  )
  assert.equal(response.status, 200)
  return { ...headers, 'mcp-session-id': response.headers.get('mcp-session-id') ?? '', 'mcp-protocol-version': version }
}

function without<T>(record: Readonly<Record<string, T>>, name: string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([other]) => other !== name))
}

describe('whoever has no token', () => {
  test('is told where to get one, and nothing of what there is', async () => {
    for (const name of ['ledger', 'nothing']) {
      const { status, headers, text } = await boundary.send({ path: `/mcp/${name}`, headers: json, body: ping })
      assert.equal(status, 401)
      assert.equal(
        headers['www-authenticate'],
        `Bearer resource_metadata="http://localhost:${String(boundary.port)}/.well-known/oauth-protected-resource/mcp/${name}"`,
      )
      assert.match(text, /"unauthorized"/)
    }
  })

  test('reads the metadata of the resource', async () => {
    const response = await fetch(`${boundary.url}/.well-known/oauth-protected-resource/mcp/ledger`)
    const origin = `http://localhost:${String(boundary.port)}`
    assert.deepEqual(await response.json(), {
      resource: `${origin}/mcp/ledger`,
      authorization_servers: [origin],
      bearer_methods_supported: ['header'],
      scopes_supported: ['access'],
      resource_name: 'ledger',
    })
    assert.equal(response.headers.get('access-control-allow-origin'), '*')
    const head = await fetch(response.url, { method: 'HEAD' })
    assert.equal(head.status, 200)
    assert.equal((await fetch(response.url, { method: 'OPTIONS' })).status, 204)
    assert.equal((await fetch(response.url, { method: 'POST' })).status, 405)
  })

  test('gets the same for a wrong token, wherever it is shown', async () => {
    for (const [path, headers] of [
      ['/mcp/ledger', { ...json, authorization: 'Bearer wrong' }],
      ['/mcp/nothing', { ...json, authorization: 'Bearer alices-token' }],
    ] as const) {
      const { status, headers: answered, text } = await boundary.send({ path, headers, body: ping })
      assert.equal(status, 401)
      assert.match(
        String(answered['www-authenticate']),
        /^Bearer error="invalid_token", error_description="the token is not one/,
      )
      assert.doesNotMatch(text, /wrong|alices/)
    }
    const { status } = await boundary.send({ path: '/mcp/ledger?access_token=alices-token', headers: json, body: ping })
    assert.equal(status, 401)
    const expired = await boundary.send({ headers: { ...json, authorization: 'Bearer expired' }, body: ping })
    assert.match(expired.text, /the token has expired/)
  })
})

test('tokens cannot be guessed in a loop, and a guesser locks nobody out', async () => {
  await using other = await startBoundary({ servers: createTestServers([ECHO], {}), pinned: [ECHO] })
  const statuses: number[] = []
  for (let index = 0; index < 12; index++) {
    const { status } = await other.send({
      headers: { ...json, authorization: `Bearer guess-${String(index)}` },
      body: ping,
    })
    statuses.push(status)
  }
  assert.deepEqual(statuses, [...Array.from({ length: 10 }, () => 401), 429, 429])
  // Whoever is behind the same address is told what they would be told otherwise: how to log in, how to renew, or let in.
  assert.equal((await other.send({ headers: json, body: ping })).status, 401)
  const renewing = await other.send({ headers: { ...json, authorization: 'Bearer expired' }, body: ping })
  assert.deepEqual([renewing.status, renewing.text.includes('the token has expired')], [401, true])
  assert.equal((await other.post(...modern('tools/list'))).status, 200)
  const unknown = { path: '/mcp/none', headers: { ...json, authorization: 'Bearer guess' }, body: ping }
  assert.equal((await other.send(unknown)).status, 429)
})

test('agents whose tokens expire, as all do every few minutes, shut nobody out behind the same address', async () => {
  await using other = await startBoundary({ servers: createTestServers([ECHO], {}), pinned: [ECHO] })
  for (let index = 0; index < 12; index++) {
    const { status, text } = await other.send({ headers: { ...json, authorization: 'Bearer expired' }, body: ping })
    assert.equal(status, 401)
    assert.match(text, /the token has expired/)
  }
  assert.equal((await other.post(...modern('tools/list'))).status, 200)
})

test('whom policy does not let in is told so', async () => {
  const { status, json: read } = await boundary.send({
    headers: { ...json, authorization: 'Bearer denied' },
    body: ping,
  })
  assert.equal(status, 403)
  assert.equal(read().error?.data?.['code'], 'SP_POLICY_DENIED')
})

describe('how a request must look', () => {
  const cases: readonly (readonly [name: string, request: Parameters<TestBoundary['send']>[0], status: number])[] = [
    ['a foreign host', { headers: { ...asAlice, host: 'evil.example' }, body: ping }, 403],
    ['a foreign origin', { headers: { ...asAlice, origin: 'https://evil.example' }, body: ping }, 403],
    ['the origin null', { headers: { ...asAlice, origin: 'null' }, body: ping }, 403],
    ['GET', { method: 'GET', headers: asAlice }, 405],
    ['PUT', { method: 'PUT', headers: asAlice, body: ping }, 405],
    ['another content type', { headers: { ...asAlice, 'content-type': 'text/plain' }, body: ping }, 415],
    ['no content type', { headers: { authorization: asAlice.authorization }, body: ping }, 415],
    ['only HTML accepted', { headers: { ...asAlice, accept: 'text/html' }, body: ping }, 406],
    ['compressed', { headers: { ...asAlice, 'content-encoding': 'gzip' }, body: ping }, 415],
    [
      'two tokens',
      { headers: { ...asAlice, authorization: ['Bearer alices-token', 'Bearer bobs-token'] }, body: ping },
      400,
    ],
    ['two sessions', { headers: { ...asAlice, 'mcp-session-id': ['a', 'b'] }, body: ping }, 400],
    ['too large by its head', { headers: { ...asAlice, 'content-length': '2000000' }, body: '{' }, 413],
    ['too large', { headers: asAlice, body: `"${'x'.repeat(1_100_000)}"` }, 413],
    ['no JSON', { headers: asAlice, body: 'nonsense' }, 400],
    ['a batch', { headers: asAlice, body: `[${ping}]` }, 400],
    ['an answer', { headers: asAlice, body: '{"jsonrpc":"2.0","id":1,"result":{}}' }, 400],
    ['a name twice', { headers: asAlice, body: '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}' }, 400],
    ['another path', { path: '/mcp/ledger/more', headers: asAlice, body: ping }, 404],
  ]
  for (const [name, request, status] of cases) {
    test(name, async () => {
      const calls = servers.calls.length
      const response = await boundary.send(request)
      assert.equal(response.status, status, response.text)
      assert.equal(servers.calls.length, calls)
    })
  }

  test('of somebody who is known, what cannot be read is on record, so much of it in a minute', async () => {
    await using other = await startBoundary({ servers: createTestServers([ECHO], {}), pinned: [ECHO] })
    const [call, headers] = modern('tools/call', { name: 'echo', arguments: { text: 'a' } })
    const unread: readonly [string, Parameters<TestBoundary['send']>[0]][] = [
      ['body', { headers: asAlice, body: `"${'x'.repeat(1_100_000)}"` }],
      ['message', { headers: asAlice, body: 'nonsense' }],
      ['message', { headers: asAlice, body: '{"jsonrpc":"2.0","id":1,"result":{}}' }],
      ['version', { headers: { ...asAlice, 'mcp-protocol-version': '1999-01-01' }, body: ping }],
      ['headers', { headers: { ...asAlice, ...headers, 'mcp-name': 'other' }, body: JSON.stringify(call) }],
      ['headers', { headers: { ...asAlice, ...headers }, body: JSON.stringify(call) }],
      ['session', { headers: asAlice, body: ping }],
      ['session', { headers: { ...asAlice, 'mcp-session-id': 'x' }, body: ping }],
    ]
    for (const [what, request] of unread) {
      await other.send(request)
      const { kind, verb, payload } = other.gate.admissions.at(-1) ?? assert.fail(what)
      assert.deepEqual([kind, verb, payload], ['refusal', 'unread request', { unread: what }])
    }
    for (let count = unread.length; count < 70; count++) await other.send({ headers: asAlice, body: 'nonsense' })
    assert.equal(other.gate.admissions.length, 60)
  })

  test('a body that stays away is not waited for', async () => {
    await using other = await startBoundary({
      servers: createTestServers([ECHO], {}),
      pinned: [ECHO],
      more: { limits: { ...DEFAULT_FRONT_LIMITS, maxRequests: 4, bodyTimeoutMs: 20 } },
    })
    const { status } = await other.send({ headers: { ...asAlice, 'content-length': '100' }, body: '{' })
    assert.equal(status, 408)
  })

  test('one person leaves room for others, whatever number of tokens they use', async () => {
    await using other = await startBoundary({
      servers: createTestServers([ECHO], {}),
      pinned: [ECHO],
      more: { limits: { ...DEFAULT_FRONT_LIMITS, maxRequests: 4, bodyTimeoutMs: 60_000 } },
    })
    const giveUp: (() => void)[] = []
    const waiting = async (token: string): Promise<unknown> =>
      await other
        .send({
          headers: { ...json, authorization: `Bearer ${token}`, 'content-length': '100' },
          body: '{',
          onSent: (destroy) => giveUp.push(destroy),
        })
        .catch((error: unknown) => error)
    const slow = [waiting('alices-token'), waiting('alices-second-token')]
    const asked = async (token: string): Promise<number> =>
      (await other.send({ headers: { ...json, authorization: `Bearer ${token}` }, body: ping })).status
    for (let status = 0; status !== 503; status = await asked('alices-token')) assert.ok([0, 400].includes(status))
    const { text } = await other.send({ headers: asAlice, body: ping })
    assert.match(text, /your own MCP requests .* are under way; wait until one is answered/)
    assert.equal(await asked('bobs-token'), 400)
    for (const destroy of giveUp) destroy()
    await Promise.all(slow)
    for (let status = 503; status !== 400; status = await asked('alices-token')) assert.equal(status, 503)
  })

  test('own names and origins are taken', async () => {
    const port = String(boundary.port)
    for (const headers of [
      { host: `localhost:${port}` },
      { host: `127.0.0.1:${port}`, origin: `http://localhost:${port}` },
      { host: `[::1]:${port}` },
    ]) {
      const { status } = await boundary.send({ headers: { ...asAlice, ...headers }, body: ping })
      assert.equal(status, 400)
    }
  })
})

describe('2025-03-26 to 2025-11-25', () => {
  test('initialize says what we are: tools, and no word of what the server says of itself', async () => {
    for (const [asked, given] of [
      ['2025-11-25', '2025-11-25'],
      ['2025-06-18', '2025-06-18'],
      ['2025-03-26', '2025-03-26'],
      ['2024-11-05', '2025-11-25'],
      ['2031-01-01', '2025-11-25'],
    ] as const) {
      const response = await boundary.post({
        jsonrpc: '2.0',
        id: 'i',
        method: 'initialize',
        params: { protocolVersion: asked },
      })
      assert.deepEqual(await body(response), {
        jsonrpc: '2.0',
        id: 'i',
        result: { protocolVersion: given, capabilities: { tools: {} }, serverInfo: { name: 'ledger', version: '1.0' } },
      })
      assert.match(response.headers.get('mcp-session-id') ?? '', /^[0-9a-f]{64}$/)
    }
  })

  test('a session: initialized, ping, tools, its end', async () => {
    const headers = await begin()
    const initialized = await boundary.post({ jsonrpc: '2.0', method: 'notifications/initialized' }, headers)
    assert.equal(initialized.status, 202)
    assert.equal(await initialized.text(), '')
    assert.deepEqual(await body(await boundary.post(ping, headers)), { jsonrpc: '2.0', id: 1, result: {} })
    const listed = await boundary.post({ jsonrpc: '2.0', id: 2, method: 'tools/list' }, headers)
    assert.equal(await listed.text(), `{"jsonrpc":"2.0","id":2,"result":{"tools":[${ECHO}]}}`)
    const ended = await boundary.send({ method: 'DELETE', headers: { ...asAlice, ...headers } })
    assert.equal(ended.status, 204)
    assert.equal((await boundary.post(ping, headers)).status, 404)
    assert.equal((await boundary.send({ method: 'DELETE', headers: { ...asAlice, ...headers } })).status, 404)
  })

  test('a session id lets nobody in, and is nobody else’s', async () => {
    const headers = await begin()
    for (const authorization of ['Bearer bobs-token']) {
      const { status } = await boundary.post(ping, { ...headers, authorization })
      assert.equal(status, 404)
    }
    assert.equal((await boundary.post(ping, { ...headers, 'mcp-session-id': 'f'.repeat(64) })).status, 404)
    assert.equal((await boundary.post(ping, { 'mcp-protocol-version': '2025-11-25' })).status, 400)
    assert.equal((await boundary.post(ping, headers)).status, 200)
    // A renewed token of the same login goes on with it.
    assert.equal((await boundary.post(ping, { ...headers, authorization: 'Bearer alices-second-token' })).status, 200)
  })

  test('a version that is not spoken', async () => {
    const headers = await begin()
    assert.equal((await boundary.post(ping, without(headers, 'mcp-protocol-version'))).status, 200)
    const response = await boundary.post(ping, { ...headers, 'mcp-protocol-version': '1999-01-01' })
    assert.equal(response.status, 400)
    assert.equal((await body(response)).error?.code, -32022)
  })

  test('other methods and other notifications', async () => {
    const headers = await begin()
    const response = await boundary.post(
      { jsonrpc: '2.0', id: 5, method: 'resources/read', params: { uri: 'a://b' } },
      headers,
    )
    assert.equal(response.status, 200)
    const { error } = await body(response)
    assert.equal(error?.code, -32601)
    assert.match(error?.message ?? '', /\[ref \w+\]/)
    const admission = boundary.gate.admissions.at(-1)
    assert.equal(admission?.verb, 'resources/read')
    assert.equal(admission?.kind, 'refusal')
    await boundary.post({ jsonrpc: '2.0', id: 5, method: 'my/4111111111111111' }, headers)
    assert.equal(boundary.gate.admissions.at(-1)?.operation.shape.verb, 'unknown method')
    assert.equal(
      (await boundary.post({ jsonrpc: '2.0', method: 'notifications/roots/list_changed' }, headers)).status,
      202,
    )
  })

  test('a page that was never offered', async () => {
    const response = await boundary.post(
      { jsonrpc: '2.0', id: 5, method: 'tools/list', params: { cursor: 'x' } },
      await begin(),
    )
    assert.equal((await body(response)).error?.code, -32602)
  })

  test('ids come back as they were written', async () => {
    const headers = await begin()
    for (const id of ['"a\\u0062"', '12345678901234567890', '-1', '""']) {
      const response = await boundary.post(`{"jsonrpc":"2.0","id":${id},"method":"ping"}`, headers)
      assert.equal(await response.text(), `{"jsonrpc":"2.0","id":${id},"result":{}}`)
    }
  })
})

describe('2026-07-28', () => {
  test('server/discover', async () => {
    const response = await boundary.post(...modern('server/discover'))
    assert.equal(response.status, 200)
    assert.equal(response.headers.get('mcp-session-id'), null)
    assert.deepEqual((await body(response)).result, {
      resultType: 'complete',
      supportedVersions: ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26'],
      capabilities: { tools: {} },
      ttlMs: 60_000,
      cacheScope: 'private',
      _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'ledger', version: '1.0' } },
    })
  })

  test('tools/list is private and has its definitions as the server wrote them', async () => {
    const response = await boundary.post(...modern('tools/list'))
    assert.equal(
      await response.text(),
      `{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","ttlMs":60000,"cacheScope":"private","tools":[${ECHO}]}}`,
    )
  })

  test('a method that is not there', async () => {
    for (const method of ['ping', 'resources/list', 'initialize', 'subscriptions/listen']) {
      const response = await boundary.post(...modern(method))
      assert.equal(response.status, 404)
      assert.equal((await body(response)).error?.code, -32601)
    }
  })

  test('notifications are taken without a session', async () => {
    const [message, headers] = modern('notifications/cancelled')
    const notification = without(message as Record<string, unknown>, 'id')
    assert.equal((await boundary.post(notification, headers)).status, 202)
  })

  const args = { name: 'echo', arguments: { text: 'Hello, 世界' } }
  const encoded = `=?base64?${Buffer.from('Hello, 世界').toString('base64')}?=`

  test('a call whose headers say the same', async () => {
    const [message, headers] = modern('tools/call', args)
    for (const more of [{}, { 'mcp-name': `=?base64?${Buffer.from('echo').toString('base64')}?=` }]) {
      const response = await boundary.post(message, { ...headers, 'mcp-param-text': encoded, ...more })
      assert.equal(response.status, 200)
      assert.equal((await body(response)).result?.['resultType'], 'complete')
    }
  })

  const wrong: readonly (readonly [name: string, change: Readonly<Record<string, string>>, code: number])[] = [
    ['another version', { 'mcp-protocol-version': '2025-11-25' }, -32020],
    ['another method', { 'mcp-method': 'tools/list' }, -32020],
    ['the method in another case', { 'mcp-method': 'Tools/Call' }, -32020],
    ['no method', { 'mcp-method': '' }, -32020],
    ['another name', { 'mcp-name': 'other' }, -32020],
    ['a broken sentinel', { 'mcp-name': '=?base64?%%%?=' }, -32020],
    ['another argument', { 'mcp-param-text': 'other' }, -32020],
    ['no argument', { 'mcp-param-text': '' }, -32020],
  ]
  for (const [name, change, code] of wrong) {
    test(`headers that contradict: ${name}`, async () => {
      const calls = servers.calls.length
      const [message, headers] = modern('tools/call', args)
      const merged = Object.fromEntries(
        Object.entries({ ...headers, 'mcp-param-text': encoded, ...change }).filter(([, value]) => value !== ''),
      )
      const response = await boundary.post(message, merged)
      assert.equal(response.status, 400)
      assert.equal((await body(response)).error?.code, code)
      assert.equal(servers.calls.length, calls)
    })
  }

  test('an argument that is not there has no header', async () => {
    const [message, headers] = modern('tools/call', { name: 'echo', arguments: {} })
    assert.equal((await boundary.post(message, headers)).status, 200)
    assert.equal((await boundary.post(message, { ...headers, 'mcp-param-text': 'x' })).status, 400)
  })

  test('a version that is not spoken names those that are', async () => {
    const [message, headers] = modern('tools/list')
    const { params, ...rest } = message as { params: { _meta: object } }
    const other = {
      ...rest,
      params: { _meta: { ...params._meta, 'io.modelcontextprotocol/protocolVersion': '2027-01-01' } },
    }
    const response = await boundary.post(other, { ...headers, 'mcp-protocol-version': '2027-01-01' })
    assert.equal(response.status, 400)
    const { error } = await body(response)
    assert.equal(error?.code, -32022)
    assert.deepEqual(error?.data, {
      supported: ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26'],
      requested: '2027-01-01',
    })
  })

  test('metadata is not optional', async () => {
    const less = without(META, 'io.modelcontextprotocol/clientCapabilities')
    for (const params of [undefined, {}, { _meta: less }]) {
      const [, headers] = modern('tools/list')
      const response = await boundary.post({ jsonrpc: '2.0', id: 1, method: 'tools/list', params }, headers)
      assert.equal(response.status, 400)
      assert.equal((await body(response)).error?.code, -32602)
    }
  })
})

describe('when things are not as they should be', () => {
  test('the trail cannot be written', async () => {
    boundary.gate.trailDown = true
    const joined = await boundary.post(...modern('tools/list'))
    assert.equal((await body(joined)).error?.data?.['code'], 'SP_TRAIL_UNAVAILABLE')
    const fresh = await boundary.post(modern('tools/list')[0], {
      ...modern('tools/list')[1],
      authorization: 'Bearer bobs-token-2',
    })
    assert.equal(fresh.status, 503)
    boundary.gate.trailDown = false
  })

  test('the server does not start', async () => {
    servers.failure = new GatewayError('SP_ISOLATION_UNAVAILABLE')
    const response = await boundary.post(...modern('server/discover'))
    servers.failure = undefined
    const { error } = await body(response)
    assert.equal(error?.code, -32603)
    assert.equal(error?.data?.['code'], 'SP_ISOLATION_UNAVAILABLE')
  })
})

describe('answers that nobody reads', () => {
  const BIG = '{"name":"big","inputSchema":{"type":"object"}}'
  /** More than the system takes from one end of a connection to the other. */
  const ANSWER = `{"content":[{"type":"text","text":"${' '.repeat(12 << 20)}"}]}`

  /** A boundary where one of them is too much, and a client that has got one and does not read it. */
  async function startUnread(answerTimeoutMs: number) {
    const own = createTestServers([BIG], { big: async () => await Promise.resolve(ANSWER) })
    const limits = { ...DEFAULT_FRONT_LIMITS, maxUnreadBytes: ANSWER.length, answerTimeoutMs }
    // Finding nothing in so much takes half a second each time.
    const finder: ResultMasker = { mayMatch: () => false, mask: () => 'clean', summary: () => undefined }
    const masking = { ...createMasking({}, 'test-ruleset'), begin: () => finder }
    const other = await startBoundary({ servers: own, pinned: [BIG], masking, more: { limits } })
    const [message, headers] = modern('tools/call', { name: 'big' })
    const lines = Object.entries({ ...asAlice, ...headers, host: `localhost:${String(other.port)}` })
    const text = JSON.stringify(message)
    const client = connect(other.port, '127.0.0.1')
    client.on('error', () => undefined)
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
    client.write(`POST /mcp/ledger HTTP/1.1\r\n${head}content-length: ${String(text.length)}\r\n\r\n${text}`)
    await once(client, 'readable')
    return { own, other, client, [Symbol.asyncDispose]: () => other[Symbol.asyncDispose]() }
  }

  /** Calls, and says how that ended; what is answered is not all read. */
  async function call(other: TestBoundary, token = 'alices-token'): Promise<string> {
    const [message, headers] = modern('tools/call', { name: 'big' })
    const response = await other.post(message, { ...headers, authorization: `Bearer ${token}` })
    const answer = await response.text()
    return /"code":"(SP_\w+)"/.exec(answer.slice(0, 2000))?.[1] ?? 'answered'
  }

  test('are made until there are too many of one person, and for the others', async () => {
    await using unread = await startUnread(60_000)
    const { own, other, client } = unread
    assert.equal(await call(other), 'SP_BUSY')
    assert.equal(own.calls.length, 1)
    const list = await body(await other.post(...modern('tools/list')))
    assert.equal(list.error?.data?.['code'], 'SP_BUSY')
    assert.equal(await call(other, 'bobs-token'), 'answered')
    let read = 0
    for await (const chunk of client as AsyncIterable<Buffer>) {
      read += chunk.length
      if (read > ANSWER.length) break
    }
    assert.equal(await call(other), 'answered')
  })

  test('do not stay', async () => {
    await using unread = await startUnread(100)
    const { other, client } = unread
    while ((await call(other)) === 'SP_BUSY') await setImmediate()
    client.destroy()
  })
})

test('closing ends every session, on record, and the servers', async () => {
  const own = createTestServers([ECHO], {})
  await using other = await startBoundary({ servers: own, pinned: [ECHO] })
  await other.post(...modern('tools/list'))
  await other.post(modern('tools/list')[0], { ...modern('tools/list')[1], authorization: 'Bearer bobs-token' })
  await other.close()
  assert.deepEqual(other.gate.closed, [{ kind: 'shutdown' }, { kind: 'shutdown' }])
  assert.equal(own.isClosed, true)
  assert.equal((await other.post(...modern('tools/list'))).status, 503)
})

test('a session that is ended is ended here too: its id is worth nothing, and its end is on record', async () => {
  await using other = await startBoundary({ servers: createTestServers([ECHO], {}), pinned: [ECHO] })
  const first = await other.post({ jsonrpc: '2.0', id: 0, method: 'initialize', params: {} })
  const headers = { 'mcp-session-id': first.headers.get('mcp-session-id') ?? '' }
  assert.equal((await other.post(ping, headers)).status, 200)
  other.gate.endAll({ kind: 'idle' })
  assert.equal((await other.post(ping, headers)).status, 404)
  assert.deepEqual(other.gate.closed, [{ kind: 'idle' }])
})
