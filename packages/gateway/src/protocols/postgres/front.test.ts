/** Getting in: TLS, protocol versions, routes, tokens, settings; and the way to the database over TLS. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { createTestTls } from '../../../testkit/certificate.ts'
import { startPostgres, type TestPostgres } from '../../../testkit/postgres.ts'
import { encodeStartup } from './codec/index.ts'
import { endSharedClassifier, startBoundary, type TestBoundary } from './testkit/boundary.ts'
import { outline, WireClient, WireFailure, type WireOptions } from './testkit/wire.ts'

let database: TestPostgres
let boundary: TestBoundary

before(async () => {
  // What SASLprep changes: a soft hyphen, a wide space, a Roman numeral.
  database = await startPostgres({ tls: true, password: 'p\u00e4ss\u00adword\u3000\u2168' })
  boundary = await startBoundary(database, {
    upstreamTls: true,
    gate: { identify: (token) => (token.startsWith('SP_') ? token : token === 'let me in' ? 'alice' : undefined) },
  })
})

after(async () => {
  await boundary[Symbol.asyncDispose]()
  await endSharedClassifier()
  await database.stop()
})

function options(more: Partial<WireOptions> = {}): WireOptions {
  return { port: boundary.port, user: 'alice', database: 'cards', password: 'let me in', ...more }
}

/** The fields of the FATAL that a login gets. */
async function refusedWith(more: Partial<WireOptions>): Promise<ReadonlyMap<string, string>> {
  try {
    const client = await WireClient.connect(options(more))
    client.end()
  } catch (error) {
    if (error instanceof WireFailure) return error.fields
    throw error
  }
  return assert.fail('it got in')
}

test('TLS asked for, and TLS begun at once, to a database that is reached over TLS with channel binding', async () => {
  const direct = await WireClient.connect({ ...database, password: database.password })
  const behind =
    "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name LIKE 'sallyport/%'"
  for (const isDirectTls of [false, true]) {
    const client = await WireClient.connect(options({ ca: boundary.tls.ca, isDirectTls }))
    assert.equal(boundary.gate.opened.at(-1)?.client.tls, true)
    assert.deepEqual(outline(await direct.query(behind)).slice(1), ['row t', 'done SELECT 1', 'ready I'])
    client.end()
    await client.rest()
    while (!outline(await direct.query(behind)).includes('done SELECT 0')) await new Promise(setImmediate)
  }
  direct.end()
})

test('data before TLS is set up ends the connection', async () => {
  const socket = connect(boundary.port, '127.0.0.1')
  socket.write(Buffer.concat([encodeStartup({ kind: 'ssl' }), Buffer.from('smuggled')]))
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  assert.match(Buffer.concat(chunks).toString('latin1'), /FATAL.*08P01/s)
})

test('nothing but a password is read from somebody who is nobody yet', async () => {
  const startup = encodeStartup({
    kind: 'startup',
    major: 3,
    minor: 0,
    parameters: new Map([
      ['user', 'alice'],
      ['database', 'cards'],
    ]),
  })
  // The heads of a Bind of 16 MB, of a Query of 1 MB and of a password of 60 KB: none of it is waited for, or kept.
  for (const head of [
    [0x42, 0x00, 0xf0, 0x00, 0x00],
    [0x51, 0x00, 0x10, 0x00, 0x00],
    [0x70, 0x00, 0x00, 0xf0, 0x00],
  ]) {
    const socket = connect(boundary.port, '127.0.0.1')
    socket.write(Buffer.concat([startup, Buffer.from(head)]))
    const chunks: Buffer[] = []
    for await (const chunk of socket) chunks.push(chunk as Buffer)
    assert.match(Buffer.concat(chunks).toString('latin1'), /FATAL.*08P01/s)
  }
})

test('GSSAPI is turned down, and the client may go on', async () => {
  const socket = connect(boundary.port, '127.0.0.1')
  socket.write(encodeStartup({ kind: 'gssenc' }))
  const [answer] = await new Promise<Buffer>((resolve) => socket.once('data', resolve))
  assert.equal(answer, 'N'.charCodeAt(0))
  socket.write(encodeStartup({ kind: 'ssl' }))
  const [second] = await new Promise<Buffer>((resolve) => socket.once('data', resolve))
  assert.equal(second, 'S'.charCodeAt(0))
  socket.destroy()
})

test('protocol 3.0 has cancel keys of 4 bytes, 3.2 of 32; newer ones and options are negotiated down', async () => {
  for (const [minor, keyBytes, negotiated] of [
    [0, 4, undefined],
    [2, 32, undefined],
    [9999, 32, 0x30002],
  ] as const) {
    const client = await WireClient.connect(options({ minor }))
    const key = client.greeting.find(({ kind }) => kind === 'backendKeyData')
    assert.equal(key?.kind === 'backendKeyData' && key.key.length, keyBytes)
    const answer = client.greeting.find(({ kind }) => kind === 'negotiateProtocolVersion')
    assert.equal(answer?.kind === 'negotiateProtocolVersion' ? answer.version : undefined, negotiated)
    client.end()
  }
  const client = await WireClient.connect(options({ parameters: { '_pq_.test': '1' } }))
  assert.deepEqual(client.greeting[0], {
    kind: 'negotiateProtocolVersion',
    version: 0x30000,
    unsupported: ['_pq_.test'],
  })
  client.end()
})

test('the client hears the settings of the database, but its own name for itself', async () => {
  const client = await WireClient.connect(
    options({ parameters: { application_name: 'psql', TimeZone: 'Europe/Berlin' } }),
  )
  const settings = new Map(
    client.greeting.flatMap((message) => (message.kind === 'parameterStatus' ? [[message.name, message.value]] : [])),
  )
  assert.equal(settings.get('application_name'), 'psql')
  assert.equal(settings.get('client_encoding'), 'UTF8')
  assert.equal(settings.get('TimeZone'), 'Europe/Berlin')
  client.end()
})

test('settings at connect: a short list, in any driver’s spelling', async () => {
  const good = [
    { client_encoding: "'utf-8'" },
    { client_encoding: 'SQL_ASCII' },
    { datestyle: 'ISO, MDY', extra_float_digits: '3' },
    { options: '-c statement_timeout=5s --TimeZone=UTC -cextra_float_digits=2' },
  ]
  for (const parameters of good) {
    const client = await WireClient.connect(options({ parameters }))
    client.end()
  }
  const bad = [
    [{ client_encoding: 'LATIN1' }, '22023'],
    [{ search_path: 'evil' }, '0A000'],
    [{ options: '-c search_path=evil' }, '0A000'],
    [{ options: '-c standard_conforming_strings=off' }, '0A000'],
    [{ options: '-d 5' }, '0A000'],
    [{ replication: 'database' }, '0A000'],
    [{ TimeZone: "x'; DROP" }, '22023'],
    [{ TimeZone: 'No/Where' }, '0A000'],
  ] as const
  for (const [parameters, sqlstate] of bad) {
    assert.equal((await refusedWith({ parameters })).get('C'), sqlstate)
  }
})

test('resources are found by database name, by what is behind, by suffix of the user; unknown ones are not told apart', async () => {
  for (const more of [{ database: 'anything' }, { user: 'reader#cards' }]) {
    const client = await WireClient.connect(options(more))
    client.end()
  }
  const fields = await refusedWith({ user: 'reader#payments' })
  assert.deepEqual([fields.get('C'), fields.get('M')], ['28000', 'not found or not allowed'])
})

test('a refusal at connect says what to do; only a bad token asks for the password again', async () => {
  for (const [password, sqlstate] of [
    ['wrong', '28P01'],
    ['', '28P01'],
    ['SP_AUTH_TOKEN_EXPIRED', '28P01'],
    ['SP_POLICY_DENIED', '28000'],
  ] as const) {
    const fields = await refusedWith({ password })
    assert.equal(fields.get('C'), sqlstate)
    assert.equal(fields.get('V'), 'FATAL')
    assert.match(fields.get('H') ?? '', /sallyport/)
  }
  boundary.gate.trailDown = true
  assert.equal((await refusedWith({})).get('C'), '58030')
  boundary.gate.trailDown = false
})

test('whoever guesses tokens is stopped, and shuts nobody else out', async () => {
  await using guarded = await startBoundary(database, { upstreamTls: true })
  const port = guarded.port
  const said: (string | undefined)[] = []
  for (let attempt = 0; attempt < 12; attempt++) said.push((await refusedWith({ port, password: 'guess' })).get('C'))
  assert.deepEqual(
    said.slice(0, 10),
    Array.from({ length: 10 }, () => '28P01'),
  )
  assert.deepEqual(said.slice(10), ['28000', '28000'])
  assert.equal((await refusedWith({ port, user: 'reader#payments' })).get('C'), '28000')
  // Others may be behind the same address.
  const client = await WireClient.connect(options({ port }))
  assert.deepEqual(outline(await client.query('SELECT 1')).slice(1), ['row 1', 'done SELECT 1', 'ready I'])
  client.end()
})

test('plain connections are refused where they are not allowed', async () => {
  await using strict = await startBoundary(database, { upstreamTls: true, more: { allowPlainOnLoopback: false } })
  assert.match((await refusedWith({ port: strict.port })).get('M') ?? '', /TLS only/)
  const client = await WireClient.connect(options({ port: strict.port, ca: strict.tls.ca }))
  client.end()
})

test('a client that says nothing is cut off', async () => {
  await using impatient = await startBoundary(database, {
    more: { limits: { maxConnections: 1, handshakeTimeoutMs: 200 } },
  })
  const silent = connect(impatient.port, '127.0.0.1')
  silent.on('data', () => undefined)
  await new Promise((resolve) => silent.once('close', resolve))
})

test('too many are told so', async () => {
  await using small = await startBoundary(database, {
    upstreamTls: true,
    more: { limits: { maxConnections: 1, handshakeTimeoutMs: 10_000 } },
  })
  const first = await WireClient.connect(options({ port: small.port }))
  assert.equal((await refusedWith({ port: small.port })).get('C'), '53300')
  first.end()
})

test('a database that is not there, has another certificate or password: our fault is told from theirs', async () => {
  const gone = { ...database, port: 1, password: database.password }
  const impostor = { ...database, ca: createTestTls().ca }
  const otherPassword = { ...database, password: 'another' }
  for (const [target, sqlstate] of [
    [gone, '08006'],
    [impostor, '08004'],
    [otherPassword, '08004'],
  ] as const) {
    await using broken = await startBoundary(target, { upstreamTls: true })
    const fields = await refusedWith({ port: broken.port })
    assert.equal(fields.get('C'), sqlstate)
    assert.match(fields.get('M') ?? '', /your access is fine/)
    assert.deepEqual(broken.gate.closed, [{ kind: 'upstream' }])
    assert.ok(!(fields.get('M') ?? '').includes(database.user), 'the role is not named')
  }
})

test('garbage is no start-up packet', async () => {
  for (const bytes of ['GET / HTTP/1.1\r\n\r\n', '\0\0\0\x08\0\0\0\0', '\xff\xff\xff\xff', '\0\0\0\x09\0\x03\0\0x']) {
    const socket = connect(boundary.port, '127.0.0.1')
    socket.write(Buffer.from(bytes, 'latin1'))
    const chunks: Buffer[] = []
    for await (const chunk of socket) chunks.push(chunk as Buffer)
    assert.match(Buffer.concat(chunks).toString('latin1'), /^E.*FATAL/s)
  }
})

test('a database that keeps another encoding than UTF8 is refused, and the log says why', async () => {
  const direct = await WireClient.connect({ ...database, password: database.password })
  for (const encoding of ['SQL_ASCII', 'LATIN1']) {
    const name = encoding.toLowerCase()
    await direct.query(`CREATE DATABASE ${name} ENCODING ${encoding} LOCALE 'C' TEMPLATE template0`)
    await using before = await startBoundary({ ...database, database: name })
    const fields = await refusedWith({ port: before.port })
    assert.equal(fields.get('C'), '08004')
    assert.match(before.events.join('\n'), new RegExp(`server_encoding of the database is ${encoding}, not UTF8`))
    assert.deepEqual(before.gate.closed, [{ kind: 'upstream' }])
  }
  direct.end()
})
