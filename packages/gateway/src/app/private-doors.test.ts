/** The SQL of a child comes back by its own door, under the name of whoever called, and by no other way: with a real database and real children. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Secret } from '#base'
import type { Credentials, DecidedShape, DoorFacts, EventEntry, IntentEntry, Policy, Revocation, Session } from '#model'
import { createMasking } from '#masking'
import { createGate, type SessionGate } from '#pipeline'
import { createToolServers, probeIsolation, type ToolServers, unisolated } from '#protocols/mcp'
import {
  createClassifier,
  createPostgres,
  createTcpDialer,
  type PostgresListener,
  type WorkerClassifier,
} from '#protocols/postgres'
import { processClock } from '../../testkit/gate.ts'
import { patience } from '../../testkit/patience.ts'
import { startPostgres, type TestPostgres } from '../../testkit/postgres.ts'
import { callTool, NODE_MODULES, SCRIPT_FOLDER, testCaller, testServer } from '../../testkit/tool-server.ts'
import { Doors } from './private-doors.ts'

const cards = { name: 'cards', kind: 'postgres', tables: [] } as const
const other = { ...cards, name: 'other' } as const
const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
const IDLE_MS = 900_000

const records: (IntentEntry | EventEntry)[] = []
let revoke: (revocation: Revocation) => void
let database: TestPostgres
let classifier: WorkerClassifier
let postgres: PostgresListener
let gate: SessionGate
let doors: Doors
let servers: ToolServers
let runFolder: string
let isolation: string

/** Nobody gets in by a token of identity's; whoever is in may do everything. */
const credentials: Credentials = {
  verify: () => Promise.resolve({ kind: 'rejected', code: 'SP_AUTH_TOKEN_UNKNOWN', reason: 'not one of ours' }),
  onRevoked: (listener) => {
    const before = revoke as typeof revoke | undefined
    revoke = (revocation) => {
      before?.(revocation)
      listener(revocation)
    }
    return () => undefined
  },
}

const policy: Policy = {
  hash: 'h',
  decideConnect: () => ({ outcome: 'allow', policies: [], policyHash: 'h' }),
  decide: (_session, shape): DecidedShape => ({ shape, decision: { outcome: 'allow', policies: [], policyHash: 'h' } }),
  decideList: (_session, tools) => tools.map(() => true),
  decideBoundary: () => ({ outcome: 'deny', policies: [], policyHash: 'h' }),
}

before(async () => {
  database = await startPostgres()
  classifier = createClassifier({ clock: processClock, ...patience })
  await classifier.ready()
  const masking = createMasking({}, 'test-ruleset')
  const trail = {
    record: (entries: readonly (IntentEntry | EventEntry)[]) =>
      Promise.resolve(entries.map((entry) => ({ sequence: records.push(entry) - 1 }))),
    conclude: () => undefined,
  }
  doors = new Doors({ credentials, clock: processClock, idleLimitMs: IDLE_MS }, (socket, door) => {
    postgres.accept(socket, door)
  })
  let ids = 0
  const ports = { clock: processClock, log, trail, ids: { next: () => `id-${++ids}` } }
  gate = createGate({
    ...ports,
    credentials: doors.credentials,
    policy: () => policy,
    scrubber: masking.scrubber,
    approvals: {
      covers: () => Promise.resolve(false),
      take: () => Promise.resolve(undefined),
      ask: () => Promise.reject(new Error('nothing is held here')),
    },
    limits: { sessions: 100, operations: 1_000 },
  })
  const { host, port, user, database: name, password } = database
  postgres = createPostgres({
    ...ports,
    gate,
    masking,
    classifier,
    secrets: { reveal: () => Promise.resolve(new Secret(password)) },
    dialer: createTcpDialer(),
    random: (bytes) => randomBytes(bytes),
    resources: [cards, other].map((resource) => ({
      resource,
      settings: {
        ...{ host, port, user, database: name, password: { from: 'env:TEST' } },
        ...{ tls: { mode: 'off' }, searchPath: 'public', connectTimeoutSeconds: 5, declaredColumns: [] },
      },
    })),
    allowPlainOnLoopback: false,
    limits: { maxConnections: 100, handshakeTimeoutMs: 10_000 },
  })
  runFolder = await mkdtemp(join(tmpdir(), 'spt-'))
  const isolated = await probeIsolation({ folder: runFolder })
  const probed = isolated.isolation === undefined ? { isolation: unisolated(), tried: [] } : isolated
  isolation = probed.isolation?.words ?? ''
  servers = createToolServers({
    ...ports,
    isolation: probed,
    unisolated: unisolated(),
    doors,
    secrets: { reveal: () => Promise.reject(new Error('none')) },
    configFolder: '/',
    runFolder,
    privatePaths: [],
    version: '0',
  })
})

after(async () => {
  await servers.close()
  await postgres.close()
  await classifier[Symbol.asyncDispose]()
  await database.stop()
  await rm(runFolder, { recursive: true, force: true })
})

const server = testServer({ database: 'cards', code: [SCRIPT_FOLDER, NODE_MODULES] })

function intents(): readonly IntentEntry[] {
  return records.filter((entry) => entry.kind === 'intent')
}

test('the SQL of a tool is its caller’s, and of the call that is under way', async (context) => {
  context.diagnostic(`isolation in use: ${isolation}`)
  const [alice, bob] = [testCaller('alice'), testCaller('bob')]
  const processes = await Promise.all([servers.take(alice, server), servers.take(bob, server)])
  const calls = processes.flatMap((process, index) =>
    Array.from({ length: 4 }, (_, turn) => {
      const text = `select '${index === 0 ? 'alice' : 'bob'}' as whose`
      return callTool(process, 'query', { text }, { sequence: 1000 * (index + 1) + turn })
    }),
  )
  assert.deepEqual(
    (await Promise.all(calls)).map((rows) => JSON.stringify(rows)),
    [...Array<string>(4).fill('[{"whose":"alice"}]'), ...Array<string>(4).fill('[{"whose":"bob"}]')],
  )
  const seen = intents().map(({ session, via }) => [
    session.identity.name,
    session.via?.server,
    via?.cause,
    via?.calls[0],
  ])
  for (const [index, name] of ['alice', 'bob'].entries()) {
    assert.deepEqual(
      seen.filter(([whose]) => whose === name),
      [0, 1, 2, 3].map((turn) => [name, 'ledger', 'exact', 1000 * (index + 1) + turn]),
    )
  }
  const session = intents()[0]?.session
  assert.deepEqual(session?.client, { address: '127.0.0.1', port: 0, tls: false })
  alice.end()
  bob.end()
})

test('a child ends with its caller, and its sessions at the database with it', async () => {
  const caller = testCaller('carol')
  const process = await servers.take(caller, server)
  const call = callTool(process, 'query', { text: 'select 1', ms: 60_000 })
  while (!gate.list().some(({ session }) => session.identity.name === 'carol')) await new Promise(setImmediate)
  caller.end()
  await assert.rejects(call, { code: 'SP_SESSION_REVOKED' })
  while (gate.list().some(({ session }) => session.identity.name === 'carol')) await new Promise(setImmediate)
})

test('a login that is revoked ends what its child has open at the database, and it gets in no more', async () => {
  const caller = testCaller('gina')
  const process = await servers.take(caller, server)
  const isOpen = (): boolean => gate.list().some(({ session }) => session.grantId === 'grt_gina')
  const call = callTool(process, 'query', { text: 'select 1', ms: 300 })
  while (!isOpen()) await new Promise(setImmediate)
  revoke({ grantId: 'grt_gina', by: 'bob', reason: 'test' })
  while (isOpen()) await new Promise(setImmediate)
  await call
  assert.match(String(await callTool(process, 'query', { text: 'select 1' })), /the login behind the token was revoked/)
  caller.end()
})

/** A door without a child: what comes by it is asked directly. */
async function openDoor(session: Session = testCaller('dave').session, more: Partial<DoorFacts> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'spd-'))
  const door = await doors.open({
    childId: `child-of-${session.identity.name}`,
    session,
    database: 'cards',
    tools: ['query'],
    folder,
    running: () => [],
    ...more,
  })
  return { door, folder, id: `child-of-${session.identity.name}` }
}

test('a token is good at its own door and database only, and no longer than door and session', async () => {
  const mine = await openDoor()
  const theirs = await openDoor(testCaller('erin').session)
  const token = mine.door.token
  const verify = doors.credentials.verify.bind(doors.credentials)
  const accepted = await verify(token, cards, mine.id)
  assert.ok(accepted.kind === 'verified')
  assert.deepEqual(
    [accepted.identity.name, accepted.grantId, accepted.tokenId, accepted.idleLimitMs, accepted.via?.server],
    ['dave', 'grt_dave', mine.id, IDLE_MS, 'ledger'],
  )
  const refused: readonly [string, Secret<string>, typeof cards | typeof other, string | undefined][] = [
    ['no door', token, cards, undefined],
    ['another door', token, cards, theirs.id],
    ['a door that is not', token, cards, 'child-of-nobody'],
    ['another database', token, other, mine.id],
    ['another token', theirs.door.token, cards, mine.id],
    ['a longer token', new Secret(`${token.expose()}x`), cards, mine.id],
    ['no token', new Secret(''), cards, mine.id],
  ]
  for (const [name, secret, resource, door] of refused) {
    assert.equal((await verify(secret, resource, door)).kind, 'rejected', name)
  }
  await mine.door[Symbol.asyncDispose]()
  assert.equal((await verify(token, cards, mine.id)).kind, 'rejected')
  const over = await openDoor(testCaller('frank', { endsAtMs: 1 }).session)
  const late = await verify(over.door.token, cards, over.id)
  assert.ok(late.kind === 'rejected' && late.code === 'SP_AUTH_TOKEN_EXPIRED')
  for (const { door, folder } of [theirs, over, mine]) {
    await door[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  }
})

test('what is revoked is shut: by login, by person, and by the token that is a job’s login', async () => {
  const verify = doors.credentials.verify.bind(doors.credentials)
  const revocations: readonly [Partial<Revocation>, boolean][] = [
    [{ grantId: 'grt_dave' }, true],
    [{ identityId: 'usr_dave' }, true],
    [{ tokenId: 'grt_dave' }, true],
    [{ tokenId: 'tok_dave' }, false],
    [{ grantId: 'grt_erin' }, false],
  ]
  for (const [what, isShut] of revocations) {
    const { door, folder, id } = await openDoor()
    revoke({ ...what, by: 'bob', reason: 'test' })
    assert.equal((await verify(door.token, cards, id)).kind === 'rejected', isShut, JSON.stringify(what))
    await door[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  }
})

test('a door that is guessed at is closed to guesses, and no other', async () => {
  const guessed = await openDoor()
  const socketPath = 'socketPath' in guessed.door.address ? guessed.door.address.socketPath : ''
  const before = records.length
  const answers: string[] = []
  for (let attempt = 0; attempt < 15; attempt++) answers.push(await present(socketPath, 'a guess'))
  assert.equal(answers.filter((answer) => answer.includes('too many failed attempts')).length, 5)
  assert.equal(records.length - before, 10)
  const open = await openDoor(testCaller('erin').session)
  const path = 'socketPath' in open.door.address ? open.door.address.socketPath : ''
  assert.ok(!(await present(path, open.door.token.expose())).includes('FATAL'))
  for (const { door, folder } of [guessed, open]) {
    await door[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  }
})

/** Logs in by a socket; what the other side said after the password. */
async function present(path: string, password: string): Promise<string> {
  const socket = connect(path)
  const parameters = Buffer.from('\0\x03\0\0user\0child\0database\0cards\0\0', 'latin1')
  const length = Buffer.alloc(4)
  length.writeInt32BE(parameters.length + 4)
  socket.write(Buffer.concat([length, parameters]))
  let text = ''
  for await (const chunk of socket) {
    text += (chunk as Buffer).toString('latin1')
    if (text.startsWith('R\0\0\0\x08\0\0\0\x03') && socket.bytesWritten <= parameters.length + 4) {
      const body = Buffer.from(`${password}\0`)
      const head = Buffer.from('p\0\0\0\0', 'latin1')
      head.writeInt32BE(body.length + 4, 1)
      socket.write(Buffer.concat([head, body]))
    }
    if (text.includes('Z\0\0\0\x05')) break
  }
  socket.destroy()
  return text
}
