import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { FailedAttempts } from '#base'
import { GatewayError, isRefusal, type OpenSession, type Operation, type Refusal, type SessionEnd } from '#model'
import { bearerOf, challenge, clientOf, hasContradiction, isOwn, pathOf, readPath, resourceMetadata } from './access.ts'
import { type BodyProblem, readBody } from './body.ts'
import { INVALID_REQUEST, REQUEST_LIMITS } from './codec/index.ts'
import { Dialogue } from './dialogue.ts'
import { LegacySessions } from './legacy-sessions.ts'
import { DEFAULT_FRONT_LIMITS, type McpFrontLimits, type McpOptions } from './options.ts'
import { recordRefused } from './refused-operation.ts'
import { refusalOf } from './refuse.ts'
import { INTERNAL_ERROR, REFUSED, replyError, type Reply } from './reply.ts'
import { type Served, serve } from './served.ts'
import type { McpResource } from './server-port.ts'
import { UnreadAnswers } from './unread-answers.ts'

/** MCP behind HTTP. */
export interface Mcp {
  /** Whether a path (without its query) is answered here. */
  handles(path: string): boolean
  /** Answers one request. */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void
  /** Ends all sessions and the servers behind them; what is under way is cancelled. */
  close(): Promise<void>
}

/** Of one address within a minute. */
const MAX_REFUSED_TOKENS = 10
/** Of one address within a minute that are recorded: every agent comes with one now and then, many of them from one address. */
const MAX_EXPIRED_TOKENS = 60
/** Requests of one session within a minute that cannot be read and are recorded. */
const MAX_UNREAD = 60
const ALL_BUSY = 'Sallyport answers as many MCP requests at once as it may'
const OWN_BUSY = 'as many of your own MCP requests as may be are under way; wait until one is answered'
const NO_GOOD_TOKEN = 'the token is not one that this boundary issued for this resource, or was revoked'

/** Makes the front of all MCP resources. */
export function createMcp(options: McpOptions): Mcp {
  return new Front(options)
}

/** What is under way in a session that has ended stops at once, and has said how it ended within this. */
const STOP_MS = 1_000

/** An open session of the boundary, and the requests under way in it. */
interface Joined {
  readonly requests: Set<Promise<void>>
}

class Front implements Mcp {
  readonly #options: McpOptions
  readonly #limits: McpFrontLimits
  readonly #origin: URL
  readonly #publicUrl: string
  readonly #attempts: FailedAttempts
  readonly #expired: FailedAttempts
  /** Requests that could not be read, by session. */
  readonly #unread: FailedAttempts
  readonly #sessions: LegacySessions
  readonly #dialogue: Dialogue
  readonly #joined = new Map<OpenSession, Joined>()
  /** Requests under way, by the id of whose they are. */
  readonly #requestsOf = new Map<string, number>()
  readonly #unreadAnswers: UnreadAnswers
  readonly #running = new Set<Promise<void>>()
  /** Sessions that have ended, until that is on record. */
  readonly #ending = new Set<Promise<void>>()
  #isClosing = false

  constructor(options: McpOptions) {
    this.#options = options
    this.#limits = options.limits ?? DEFAULT_FRONT_LIMITS
    this.#origin = new URL(options.publicUrl)
    this.#publicUrl = this.#origin.origin
    this.#attempts = new FailedAttempts(options.clock, MAX_REFUSED_TOKENS)
    this.#expired = new FailedAttempts(options.clock, MAX_EXPIRED_TOKENS)
    this.#unread = new FailedAttempts(options.clock, MAX_UNREAD)
    this.#unreadAnswers = new UnreadAnswers(this.#limits)
    this.#sessions = new LegacySessions(options.random, this.#limits.maxLegacySessions)
    this.#dialogue = new Dialogue(options, this.#sessions)
  }

  handles(path: string): boolean {
    return readPath(path) !== undefined
  }

  readonly handler = (request: IncomingMessage, response: ServerResponse): void => {
    const running = this.#serve(request, response)
    this.#running.add(running)
    void running.finally(() => this.#running.delete(running))
  }

  async close(): Promise<void> {
    this.#isClosing = true
    await Promise.all([...this.#joined.keys()].map((open) => this.#end(open, { kind: 'shutdown' })))
    await Promise.all([...this.#running, ...this.#ending])
    await this.#options.servers.close()
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      send(request, response, await this.#answer(request, response))
    } catch (error) {
      this.#options.log.error('mcp.request_failed', { error: String(error) })
      send(request, response, replyError({ code: INTERNAL_ERROR, message: 'internal error' }, 500))
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<Reply> {
    const target = readPath(pathOf(request))
    if (target === undefined) return { status: 404 }
    if (target.kind === 'metadata') return metadata(request, this.#publicUrl, target.name)
    if (hasContradiction(request)) return replyError({ code: INVALID_REQUEST, message: 'a header came twice' }, 400)
    if (!isOwn(request, this.#origin)) {
      return replyError({ code: REFUSED, message: 'Host or Origin is not that of this server' }, 403)
    }
    // Whoever has no token is told where to get one, whatever they ask.
    if (bearerOf(request) === 'missing') return challenge(this.#publicUrl, target.name)
    switch (request.method) {
      case 'POST':
        return await this.#post(request, response, target.name)
      case 'DELETE':
        return await this.#delete(request, target.name)
      default:
        // MCP 2025-11-25, Transports: "or else return HTTP 405 Method Not Allowed, indicating that the server does not offer an SSE stream".
        return { status: 405, headers: { allow: 'POST, DELETE' } }
    }
  }

  async #post(request: IncomingMessage, response: ServerResponse, name: string): Promise<Reply> {
    if (this.#isClosing) return unavailable('SP_SHUTDOWN')
    if (this.#running.size > this.#limits.maxRequests) return unavailable('SP_BUSY', ALL_BUSY)
    if (!isJson(request)) {
      return replyError({ code: INVALID_REQUEST, message: 'Content-Type must be application/json' }, 415)
    }
    if (!acceptsJson(request)) {
      return replyError({ code: INVALID_REQUEST, message: 'Accept must allow application/json' }, 406)
    }
    const gone = new AbortController()
    response.once('close', () => {
      if (!response.writableFinished) gone.abort()
    })
    const open = await this.#join(request, name)
    if ('status' in open) return open
    const server = this.#find(name)
    const joined = this.#joined.get(open)
    if (server === undefined || joined === undefined || !this.#hasRoomFor(open, joined))
      return unavailable('SP_BUSY', OWN_BUSY)
    const answered = Promise.withResolvers<void>()
    joined.requests.add(answered.promise)
    this.#count(open, 1)
    try {
      const body = await readBody(request, REQUEST_LIMITS.maxBytes, this.#limits.bodyTimeoutMs)
      open.touch()
      const served = (): Served => serve(this.#find(name) ?? server)
      const { id } = open.session.identity
      const mayAnswer = (): boolean => this.#unreadAnswers.hasRoom(id)
      const reply =
        typeof body === 'string'
          ? unreadBody(body)
          : await this.#dialogue.answer({ request, body, open, served, gone: gone.signal, mayAnswer })
      if (reply.unread !== undefined) await this.#recordUnread(open, served().classifier.unread(reply.unread))
      this.#unreadAnswers.count(id, response, reply.body?.length ?? 0)
      return reply
    } finally {
      this.#count(open, -1)
      joined.requests.delete(answered.promise)
      answered.resolve()
    }
  }

  /** Puts on record that a request could not be read, so many of a session in a minute. It is refused whether it is on record or not. */
  async #recordUnread(open: OpenSession, operation: Operation): Promise<void> {
    if (this.#unread.isBlocked(open.session.id)) return
    this.#unread.note(open.session.id)
    try {
      await recordRefused(open, operation)
    } catch (error) {
      this.#options.log.warn('mcp.unread_not_recorded', { session: open.session.id, error: String(error) })
    }
  }

  /**
   * Whether one more request may be under way in a session. Nobody has more than half of all of them, however many tokens they use: others are to get
   * in beside them.
   */
  #hasRoomFor({ session: { identity } }: OpenSession, { requests }: Joined): boolean {
    const { maxRequests, maxRequestsPerSession } = this.#limits
    return requests.size < maxRequestsPerSession && (this.#requestsOf.get(identity.id) ?? 0) < maxRequests / 2
  }

  #count({ session: { identity } }: OpenSession, by: 1 | -1): void {
    const count = (this.#requestsOf.get(identity.id) ?? 0) + by
    if (count === 0) this.#requestsOf.delete(identity.id)
    else this.#requestsOf.set(identity.id, count)
  }

  async #delete(request: IncomingMessage, name: string): Promise<Reply> {
    const open = await this.#join(request, name)
    return 'status' in open ? open : this.#dialogue.end(request, open)
  }

  /** A resource as it is pinned now. */
  #find(name: string): McpResource | undefined {
    return this.#options.resources().find(({ resource }) => resource.name === name)
  }

  /** The caller's session on a resource; without a good token for it, the same challenge whether there is such a resource or not. */
  async #join(request: IncomingMessage, name: string): Promise<OpenSession | Reply> {
    const client = clientOf(request)
    const secret = bearerOf(request)
    if (typeof secret === 'string') return challenge(this.#publicUrl, name, NO_GOOD_TOKEN)
    const server = this.#find(name)
    if (server === undefined) return this.#reject(client.address, name)
    const unrecorded = this.#attempts.isBlocked(client.address) || this.#expired.isBlocked(client.address)
    const answer = await this.#options.gate.join({ resource: server.resource, secret, client, unrecorded })
    if (!isRefusal(answer)) {
      this.#watch(answer)
      return answer
    }
    this.#options.log.info('mcp.refused', { resource: name, code: answer.code })
    return this.#refuseJoin(client.address, name, answer)
  }

  #refuseJoin(address: string, name: string, refusal: Refusal): Reply {
    switch (refusal.code) {
      case 'SP_AUTH_TOKEN_EXPIRED':
        // Nobody guesses one that was issued.
        this.#expired.note(address)
        return challenge(this.#publicUrl, name, 'the token has expired')
      case 'SP_AUTH_TOKEN_UNKNOWN':
      case 'SP_AUTH_TOKEN_AUDIENCE':
      case 'SP_AUTH_TOKEN_MISSING':
      case 'SP_AUTH_JOB_TOKEN_INVALID':
      case 'SP_AUTH_NO_SUBJECT':
        return this.#reject(address, name)
      case 'SP_BUSY':
      case 'SP_AUTH_UNAVAILABLE':
      case 'SP_TRAIL_UNAVAILABLE':
      case 'SP_SHUTDOWN':
        return refused(refusal, 503)
      case 'SP_AUTH_FAILED_ATTEMPTS':
        return refused(refusal, 429)
      default:
        return refused(refusal, 403)
    }
  }

  /** A token that is no good, which only so many are from one address; a good one is let in whatever came before it. */
  #reject(address: string, name: string): Reply {
    if (this.#attempts.isBlocked(address)) return tooManyAttempts()
    this.#attempts.note(address)
    return challenge(this.#publicUrl, name, NO_GOOD_TOKEN)
  }

  /** The first time that a session is seen, its end is waited for. */
  #watch(open: OpenSession): void {
    if (this.#joined.has(open)) return
    this.#joined.set(open, { requests: new Set() })
    const end = (): void => {
      const ending = this.#end(open, open.ended.reason as SessionEnd)
      this.#ending.add(ending)
      void ending.finally(() => this.#ending.delete(ending))
    }
    if (open.ended.aborted) end()
    else open.ended.addEventListener('abort', end, { once: true })
  }

  /** Puts a session's end on record, and takes what belonged to it away. */
  async #end(open: OpenSession, end: SessionEnd): Promise<void> {
    const joined = this.#joined.get(open)
    if (joined === undefined) return
    this.#joined.delete(open)
    this.#sessions.forget(open)
    // How its calls ended comes first: what is still open when a session is closed counts as lost.
    if (open.ended.aborted) {
      await Promise.race([Promise.all(joined.requests), delay(STOP_MS, undefined, { ref: false })])
    }
    await open.close(end)
  }
}

function metadata(request: IncomingMessage, publicUrl: string, name: string): Reply {
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      return resourceMetadata(publicUrl, name)
    case 'OPTIONS':
      return {
        status: 204,
        headers: {
          'access-control-allow-origin': '*',
          'access-control-allow-methods': 'GET, HEAD',
          'access-control-allow-headers': '*',
        },
      }
    default:
      return { status: 405, headers: { allow: 'GET, HEAD, OPTIONS' } }
  }
}

function isJson({ headers }: IncomingMessage): boolean {
  return /^application\/json(?:\s*;|$)/i.test(headers['content-type']?.trim() ?? '')
}

/** Clients must accept JSON and event streams; one that says nothing, or anything, gets JSON too. */
function acceptsJson({ headers }: IncomingMessage): boolean {
  const { accept } = headers
  return accept === undefined || /(?:^|[,\s])(?:application\/json|application\/\*|\*\/\*)(?:$|[;,\s])/i.test(accept)
}

function unreadBody(problem: BodyProblem): Reply {
  switch (problem) {
    case 'too-large':
      return replyError(
        {
          code: INVALID_REQUEST,
          message: `a message has at most ${String(REQUEST_LIMITS.maxBytes)} bytes`,
          unread: 'body',
        },
        413,
      )
    case 'too-slow':
      return replyError({ code: INVALID_REQUEST, message: 'the message did not arrive in time', unread: 'body' }, 408)
    case 'encoded':
      return replyError({ code: INVALID_REQUEST, message: 'a message must not be compressed', unread: 'body' }, 415)
    case 'broken':
      return replyError({ code: INVALID_REQUEST, message: 'the message did not arrive whole', unread: 'body' }, 400)
    default:
      return problem satisfies never
  }
}

function unavailable(code: 'SP_BUSY' | 'SP_SHUTDOWN', words?: string): Reply {
  return refused(refusalOf(new GatewayError(code, words)), 503)
}

function tooManyAttempts(): Reply {
  return refused(refusalOf(new GatewayError('SP_AUTH_FAILED_ATTEMPTS')), 429)
}

/** A refusal before there is a message to answer: JSON-RPC without an id. */
function refused({ code, message, hint, ref }: Refusal, status: number): Reply {
  const words = hint === undefined ? message : `${message}\n${hint}`
  const data = ref === undefined ? { code } : { code, ref }
  const reply = replyError({ code: REFUSED, message: words, data }, status)
  return status === 503 || status === 429
    ? { ...reply, headers: { 'retry-after': status === 429 ? '60' : '1' } }
    : reply
}

function send(request: IncomingMessage, response: ServerResponse, reply: Reply): void {
  if (response.headersSent || response.destroyed) return
  const { status, headers = {}, body, contentType } = reply
  response.writeHead(status, {
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(contentType === undefined ? {} : { 'content-type': contentType }),
    // What was not read of a request is not waited for.
    ...(request.complete ? {} : { connection: 'close' }),
    ...(status === 204 ? {} : { 'content-length': String(body?.length ?? 0) }),
    ...headers,
  })
  // Node writes head and text at once, head and bytes one after the other.
  if (body !== undefined && body.length <= ONE_WRITE_BYTES) response.end(Buffer.from(body).toString('latin1'), 'latin1')
  else response.end(body)
}

const ONE_WRITE_BYTES = 16_384
