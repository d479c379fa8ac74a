/** Whatever is posted: an answer in the protocol's words, never a fault, and nothing sent that was not permitted. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { META, startBoundary, type TestBoundary } from './testkit/boundary.ts'
import { createTestServers, type TestServers } from './testkit/servers.ts'

/** Each run is an HTTP request. */
const numRuns = Math.min(2_000, Number(process.env['SALLYPORT_FUZZ_RUNS'] ?? 100_000) / 50)
const TOOL = '{"name":"echo","inputSchema":{"type":"object","properties":{"a":{"type":"integer","x-mcp-header":"A"}}}}'

let servers: TestServers
let boundary: TestBoundary
let session: string

before(async () => {
  servers = createTestServers([TOOL], { echo: async () => await Promise.resolve('{"content":[]}') })
  boundary = await startBoundary({ servers, pinned: [TOOL] })
  const response = await boundary.post({ jsonrpc: '2.0', id: 0, method: 'initialize', params: {} })
  session = response.headers.get('mcp-session-id') ?? ''
})

after(async () => {
  await boundary[Symbol.asyncDispose]()
})

const method = fc.constantFrom(
  'tools/call',
  'tools/list',
  'initialize',
  'ping',
  'server/discover',
  'notifications/cancelled',
  'x',
  '',
)
const anything = fc.jsonValue({ maxDepth: 2 })
const params = fc.oneof(
  anything,
  fc.record(
    {
      name: fc.oneof(fc.constant('echo'), anything),
      arguments: fc.oneof(fc.record({ a: anything }), anything),
      requestId: anything,
      cursor: anything,
      protocolVersion: anything,
      _meta: fc.oneof(fc.constant(META), fc.constant({ 'io.modelcontextprotocol/protocolVersion': 7 }), anything),
    },
    { requiredKeys: [] },
  ),
)
const message = fc
  .record(
    { jsonrpc: fc.constantFrom('2.0', '2.0', '1.0'), id: fc.oneof(fc.nat(3), anything), method, params },
    { requiredKeys: ['method'] },
  )
  .map((value) => JSON.stringify(value))
const body = fc.oneof(
  { weight: 6, arbitrary: message },
  fc.tuple(message, fc.nat(), fc.constantFrom('"', '{', '\\', ',')).map(([text, at, inserted]) => {
    const place = at % (text.length + 1)
    return text.slice(0, place) + inserted + text.slice(place)
  }),
  fc.json(),
)
const headers = fc.record(
  {
    'mcp-protocol-version': fc.constantFrom('2026-07-28', '2025-11-25', '2025-03-26', 'x'),
    'mcp-method': method,
    'mcp-name': fc.constantFrom('echo', '=?base64?ZWNobw==?=', '=?base64?!?=', 'other'),
    'mcp-param-a': fc.constantFrom('1', '2.0', '=?base64?MQ==?=', 'x'),
    'mcp-session-id': fc.constantFrom('OWN', 'x'),
  },
  { requiredKeys: [] },
)

test('every request has an answer of the protocol', async () => {
  await fc.assert(
    fc.asyncProperty(body, headers, async (text, given) => {
      const own = given['mcp-session-id'] === 'OWN' ? { ...given, 'mcp-session-id': session } : given
      const response = await boundary.post(text, own)
      const answer = await response.text()
      assert.ok([200, 202, 400, 404].includes(response.status), `${String(response.status)} ${answer}`)
      assert.equal(response.status === 202, answer === '')
      if (answer !== '') assert.equal((JSON.parse(answer) as { jsonrpc: string }).jsonrpc, '2.0')
    }),
    { numRuns },
  )
  assert.deepEqual(
    boundary.events.filter((event) => event.startsWith('error')),
    [],
  )
  assert.equal(boundary.gate.unsettled(), 0)
  const permitted = boundary.gate.admissions.filter(({ kind, verb }) => kind === 'permit' && verb === 'tools/call')
  assert.deepEqual(
    servers.calls.map(({ sequence }) => sequence),
    permitted.map(({ sequence }) => sequence),
  )
})
