/**
 * From an accepted socket to a session: introduction, route, token, gate, database, "ready". Everything that goes wrong here is FATAL,
 * said in one line before the connection closes; whether a resource exists is not told to somebody without a good token for it.
 */
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Bytes, type FailedAttempts, Secret } from '#base'
import { type ErrorCode, GatewayError, isRefusal, type OpenSession } from '#model'
import type { CancelKeys } from './cancel-keys.ts'
import { ClientConnection } from './client/connection.ts'
import { ClientGone, type Introduction, receiveIntroduction } from './client/startup.ts'
import type { BufferPool } from './client/writer.ts'
import { encodeBackend, passwordOf, WireError } from './codec/index.ts'
import type { PostgresOptions, PostgresResource } from './options.ts'
import { type Answer, answerCode, answerRefusal, encodeAnswer, sqlstateOf } from './refuse.ts'
import { findResource } from './routing.ts'
import { PostgresSession } from './session.ts'
import { type ClientParameters, isAnswer, readParameters } from './startup-parameters.ts'
import { connectUpstream, type UpstreamSession, type UpstreamTarget } from './upstream/connect.ts'

/** What all connections of one listener share. */
export interface FrontContext {
  readonly options: PostgresOptions
  readonly attempts: FailedAttempts
  readonly cancelKeys: CancelKeys<PostgresSession>
  readonly pool: BufferPool
  readonly sessions: Set<PostgresSession>
  /** Whether one more session may begin. */
  readonly hasRoom: () => boolean
}

/** The newest minor version of protocol 3 that is spoken. */
const NEWEST_MINOR = 2
/** AuthenticationCleartextPassword: "Specifies that a clear-text password is required." */
const CLEARTEXT_PASSWORD = 3
const AUTHENTICATION_OK = 0

/** The connection cannot become a session: what to say before closing. */
class Refused extends Error {
  readonly answer: Answer

  constructor(answer: Answer) {
    super(answer.message)
    this.answer = answer
  }
}

/**
 * Carries one accepted socket as far as a running session, or to its end. Never rejects.
 *
 * @param door the private door that it came by: a socket which only one child can reach.
 */
export async function serve(socket: Socket, context: FrontContext, door?: string): Promise<void> {
  const { options } = context
  const deadline = setTimeout(() => socket.destroy(), options.limits.handshakeTimeoutMs)
  socket.on('error', () => socket.destroy())
  let stream: Duplex = socket
  try {
    const tls = door === undefined ? options.secureContext?.() : undefined
    const introduction = await receiveIntroduction(socket, tls)
    stream = introduction.stream
    stream.on('error', () => stream.destroy())
    if (introduction.packet.kind === 'cancel') {
      context.cancelKeys.cancel(introduction.packet)
      stream.end()
      return
    }
    await admitClient(introduction, new Newcomer(introduction, socket, deadline, door), context)
  } catch (error) {
    sayNo(stream, error, context)
  } finally {
    clearTimeout(deadline)
  }
}

function sayNo(stream: Duplex, error: unknown, { options }: FrontContext): void {
  if (error instanceof ClientGone || stream.destroyed) {
    stream.destroy()
    return
  }
  const answer = error instanceof Refused ? error.answer : answerFault(error, options)
  stream.end(encodeAnswer(answer, options.masking.scrubber, 'FATAL'))
  setTimeout(() => stream.destroy(), FAREWELL_MS).unref()
}

const FAREWELL_MS = 1000

function answerFault(error: unknown, options: PostgresOptions): Answer {
  if (error instanceof WireError) return answerCode(error.code, error.message)
  options.log.error('postgres.front.fault', { reason: error instanceof Error ? error.message : 'unknown' })
  return { sqlstate: 'XX000', message: 'internal fault of Sallyport' }
}

const LOOPBACK = '127.0.0.1'

/** A client that is not in yet. */
class Newcomer {
  readonly address: string
  readonly port: number
  readonly isTls: boolean
  /** The private door that it came by. */
  readonly door: string | undefined
  readonly #deadline: NodeJS.Timeout

  constructor(introduction: Introduction, socket: Socket, deadline: NodeJS.Timeout, door?: string) {
    // A unix socket has no address; whoever is at its other end is on this machine.
    this.address = door === undefined ? (socket.remoteAddress ?? '') : LOOPBACK
    this.port = door === undefined ? (socket.remotePort ?? 0) : 0
    this.isTls = introduction.isTls
    this.door = door
    this.#deadline = deadline
  }

  /** Where failed attempts are counted: each door by itself, so that no child locks others out. */
  get origin(): string {
    return this.door === undefined ? this.address : `door ${this.door}`
  }

  /** It has said what it has to; from here on it waits for us. */
  isHeard(): void {
    clearTimeout(this.#deadline)
  }
}

async function admitClient(introduction: Introduction, newcomer: Newcomer, context: FrontContext): Promise<void> {
  const { options } = context
  const { packet, stream } = introduction
  if (packet.kind !== 'startup') return
  if (packet.major !== 3) throw new Refused({ sqlstate: '0A000', message: 'only protocol 3.0 to 3.2 is spoken here' })
  demandSafeChannel(newcomer, options)
  if (!context.hasRoom()) throw new Refused({ ...answerCode('SP_BUSY'), sqlstate: sqlstateOf('SP_BUSY', 'connect') })
  const parameters = readParameters(packet.parameters)
  const client = new ClientConnection(stream, context.pool, introduction.rest)
  const minor = negotiate(client, packet)
  if (isAnswer(parameters)) throw new Refused(parameters)
  const secret = await askPassword(client)
  newcomer.isHeard()
  const { user, database } = parameters
  const target = findResource(options.resources, { serverName: introduction.serverName, user, database })
  const open = await openSession(target, secret, newcomer, context)
  if (target === undefined) return
  const upstream = await reachDatabase(target, open, parameters, options)
  begin({ client, upstream, target, open }, { minor, parameters }, context)
}

/** The token goes over TLS, or does not leave the machine. */
function demandSafeChannel({ isTls, address, door }: Newcomer, options: PostgresOptions): void {
  if (isTls || door !== undefined || (options.allowPlainOnLoopback && isLoopback(address))) return
  throw new Refused({
    sqlstate: '28000',
    message: 'this boundary takes connections over TLS only',
    hint: 'connect with sslmode=verify-full',
  })
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127\./.test(address)
}

/** PostgreSQL 18, NegotiateProtocolVersion: sent when the client wants a newer minor version or options (`_pq_.`) that are not known. */
function negotiate(client: ClientConnection, packet: Extract<Introduction['packet'], { kind: 'startup' }>): number {
  const minor = Math.min(packet.minor, NEWEST_MINOR)
  const unsupported = [...packet.parameters.keys()].filter((name) => name.startsWith('_pq_.'))
  if (minor !== packet.minor || unsupported.length > 0) {
    client.writer.send(encodeBackend({ kind: 'negotiateProtocolVersion', version: (3 << 16) | minor, unsupported }))
  }
  return minor
}

/** Asks for the token. @throws {Refused} when none comes. */
async function askPassword(client: ClientConnection): Promise<Secret<string>> {
  client.writer.send(encodeBackend({ kind: 'authentication', request: CLEARTEXT_PASSWORD, data: new Uint8Array() }))
  client.writer.flush()
  await new Promise<void>((resolve, reject) => {
    client.attach({
      arrived: () => {
        if (client.hasBatch) resolve()
      },
      broken: reject,
      closed: () => {
        reject(new ClientGone())
      },
    })
  })
  const [arrival, ...others] = client.takeBatch()
  if (arrival?.message.kind === 'terminate') throw new ClientGone()
  if (arrival?.message.kind !== 'password' || others.length > 0) {
    throw new WireError('SP_WIRE_INVALID', 'something else than a password')
  }
  const password = passwordOf(arrival.message.data)
  if (password === undefined) throw new WireError('SP_WIRE_INVALID', 'a password that is not one string')
  if (password === '') throw new Refused({ ...answerCode('SP_AUTH_TOKEN_MISSING') })
  client.welcome()
  return new Secret(password)
}

/** Codes that count as a failed attempt. */
const failures = new Set<ErrorCode>([
  'SP_AUTH_TOKEN_UNKNOWN',
  'SP_AUTH_TOKEN_EXPIRED',
  'SP_AUTH_TOKEN_AUDIENCE',
  'SP_AUTH_JOB_TOKEN_INVALID',
  'SP_AUTH_NO_SUBJECT',
])

async function openSession(
  target: PostgresResource | undefined,
  secret: Secret<string>,
  newcomer: Newcomer,
  { options, attempts }: FrontContext,
): Promise<OpenSession> {
  // Others may be behind the same address: it is only what is no good that is bounded.
  const isBlocked = attempts.isBlocked(newcomer.origin)
  const fail = (answer: Answer): Refused => {
    if (isBlocked) return new Refused(answerCode('SP_AUTH_FAILED_ATTEMPTS'))
    attempts.note(newcomer.origin)
    return new Refused(answer)
  }
  if (target === undefined) throw fail(answerCode('SP_RESOURCE_UNKNOWN'))
  const client = { address: newcomer.address, port: newcomer.port, tls: newcomer.isTls }
  const door = newcomer.door === undefined ? {} : { door: newcomer.door }
  const answer = await options.gate.open({ resource: target.resource, secret, client, ...door, unrecorded: isBlocked })
  if (!isRefusal(answer)) return answer
  const refused = answerRefusal(answer, 'connect')
  throw failures.has(answer.code) ? fail(refused) : new Refused(refused)
}

/** Connects to the database; when that fails the session ends as soon as it began. */
async function reachDatabase(
  target: PostgresResource,
  open: OpenSession,
  parameters: ClientParameters,
  options: PostgresOptions,
): Promise<UpstreamSession> {
  try {
    const password = await options.secrets.reveal(target.settings.password.from)
    return await connectUpstream({
      target: upstreamTarget(target, options),
      password,
      nonce: Buffer.from(options.random(18)).toString('base64'),
      applicationName: `sallyport/${open.session.id}`,
      parameters: parameters.settings,
    })
  } catch (error) {
    const code = error instanceof GatewayError ? error.code : 'SP_UPSTREAM_UNREACHABLE'
    const reason = error instanceof Error ? error.message : 'unknown'
    options.log.error('postgres.upstream.failed', { code, reason, resource: target.resource.name })
    await open.close({ kind: 'upstream' })
    // The database's own words may name its roles: they are for the log. A setting of the client's it may know.
    const about = code === 'SP_WIRE_UNSUPPORTED' ? reason : target.resource.name
    throw new Refused(answerCode(code, about))
  }
}

function upstreamTarget({ settings, ca }: PostgresResource, { dialer }: PostgresOptions): UpstreamTarget {
  return { settings, dialer, ...(ca === undefined ? {} : { ca }) }
}

interface Ways {
  readonly client: ClientConnection
  readonly upstream: UpstreamSession
  readonly target: PostgresResource
  readonly open: OpenSession
}

const DEFAULT_HOLD_SECONDS = 120

/** Says "ready" and lets the session run. */
function begin(
  { client, upstream, target, open }: Ways,
  { minor, parameters }: { readonly minor: number; readonly parameters: ClientParameters },
  context: FrontContext,
): void {
  const { options, cancelKeys, sessions } = context
  const key = cancelKeys.issue(minor)
  const session: PostgresSession = new PostgresSession({
    client,
    upstream,
    target: upstreamTarget(target, options),
    open,
    classifier: options.classifier,
    masking: options.masking,
    clock: options.clock,
    log: options.log,
    holdMs: (options.holdSeconds ?? DEFAULT_HOLD_SECONDS) * 1000,
    onEnd: () => {
      cancelKeys.leave(key)
      sessions.delete(session)
    },
    onSchemaChange: () => {
      for (const other of sessions) other.schemaChanged(target.resource.name)
    },
  })
  sessions.add(session)
  cancelKeys.enter(key, session)
  const greeting: Bytes[] = [
    encodeBackend({ kind: 'authentication', request: AUTHENTICATION_OK, data: new Uint8Array() }),
    ...[...upstream.upstream.parameters].map(([name, value]) =>
      encodeBackend({
        kind: 'parameterStatus',
        name,
        value: name === 'application_name' ? parameters.applicationName : value,
      }),
    ),
    encodeBackend({ kind: 'backendKeyData', ...key }),
    encodeBackend({ kind: 'readyForQuery', status: 'I' }),
  ]
  for (const message of greeting) client.writer.send(message)
  client.writer.flush()
  session.start()
}
