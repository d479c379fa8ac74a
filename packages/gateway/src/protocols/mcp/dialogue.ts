import type { IncomingMessage } from 'node:http'
import { type Bytes, concatBytes, fromUtf8, type Json, toUtf8 } from '#base'
import type { OpenSession } from '#model'
import { answerCall, type CallPorts } from './calls.ts'
import {
  INVALID_REQUEST,
  membersOf,
  type Message,
  type NotificationMessage,
  readMessage,
  REQUEST_LIMITS,
  type RequestMessage,
  textOf,
  WireError,
} from './codec/index.ts'
import type { Exchange, Params } from './exchange.ts'
import { idKey, type LegacySession, type LegacySessions } from './legacy-sessions.ts'
import { Lists, serverInfo } from './lists.ts'
import { problemOf, statedVersion, unsupportedVersion } from './modern.ts'
import { toFault } from './outcomes.ts'
import { about, refusalOf, refusedRequest } from './refuse.ts'
import { type Answer, errorAnswer, replyError, replyWith, resultAnswer, type Reply } from './reply.ts'
import type { Served } from './served.ts'
import { LEGACY_VERSIONS, MODERN_VERSION, negotiate, SUPPORTED_VERSIONS } from './versions.ts'

/** One POST, let in. */
export interface Post {
  readonly request: IncomingMessage
  readonly body: Bytes
  readonly open: OpenSession
  /** The resource as it is pinned at the moment of asking. */
  readonly served: () => Served
  /** Aborted when the client's connection closes. */
  readonly gone: AbortSignal
  /** Whether the caller has taken enough of the answers before. */
  readonly mayAnswer: () => boolean
}

const ACCEPTED: Reply = { status: 202 }
const INVALID_ID = 'a request of this id is under way in this session'

/** The conversation with clients of both eras, from a body to a reply. */
export class Dialogue {
  readonly #ports: CallPorts
  readonly #sessions: LegacySessions
  readonly #lists: Lists

  constructor(ports: CallPorts, sessions: LegacySessions) {
    this.#ports = ports
    this.#sessions = sessions
    this.#lists = new Lists(ports)
  }

  /** Answers one POST. Never rejects but for a fault of its own. */
  async answer(post: Post): Promise<Reply> {
    let message: Message
    try {
      message = readMessage(post.body, REQUEST_LIMITS)
    } catch (error) {
      if (error instanceof WireError)
        return replyError({ code: error.rpcCode, message: error.message, unread: 'message' }, 400)
      throw error
    }
    switch (message.kind) {
      case 'request':
        return await this.#request(post, message)
      case 'notification':
        return this.#notification(post, message)
      case 'result':
      case 'error':
        return replyError(
          { code: INVALID_REQUEST, message: 'there is no request of ours to answer', unread: 'message' },
          400,
        )
      default:
        return message satisfies never
    }
  }

  async #request(post: Post, message: RequestMessage): Promise<Reply> {
    const params = paramsOf(post, message)
    const stated = statedVersion(params)
    const header = headerOf(post.request, 'mcp-protocol-version')
    // MCP 2026-07-28, Versioning: "A request carrying modern per-request _meta is served statelessly"; "An initialize request selects legacy
    // semantics".
    if (stated === undefined && message.method === 'initialize') return await this.#initialize(post, message, params)
    if (stated !== undefined || header === MODERN_VERSION)
      return replyWith(await this.#modern(post, message, params), message.id)
    if (header !== undefined && !LEGACY_VERSIONS.includes(header))
      return replyWith(unsupportedVersion(header), message.id)
    return await this.#legacy(post, message, params)
  }

  async #modern(post: Post, message: RequestMessage, params: Params): Promise<Answer> {
    const problem = problemOf(post.request, message, params, (name) => post.served().classifier.pinned(name))
    if (problem !== undefined) return problem
    // MCP 2026-07-28, Cancellation: closing the response's stream "MUST be treated by the server as cancellation of that request".
    const exchange = exchangeOf(post, true, post.gone)
    if (message.method === 'server/discover') return await this.#discover(exchange)
    return await this.#serve(exchange, message, params)
  }

  async #legacy(post: Post, message: RequestMessage, params: Params): Promise<Reply> {
    const session = this.#sessionOf(post, message.id)
    if ('status' in session) return session
    const key = idKey(message.id)
    if (session.running.has(key))
      return replyError({ code: INVALID_REQUEST, message: INVALID_ID, unread: 'message' }, 400, message.id)
    const controller = new AbortController()
    session.running.set(key, controller)
    try {
      // MCP 2025-11-25, Transports: "Disconnection SHOULD NOT be interpreted as the client cancelling its request."
      const exchange = exchangeOf(post, false, controller.signal)
      const answer = message.method === 'ping' ? resultAnswer({}) : await this.#serve(exchange, message, params)
      return replyWith(answer, message.id)
    } finally {
      if (session.running.get(key) === controller) session.running.delete(key)
    }
  }

  async #serve(exchange: Exchange, message: RequestMessage, params: Params): Promise<Answer> {
    switch (message.method) {
      case 'tools/list':
        return this.#hasCursor(params) ? noSuchPage() : await this.#lists.list(exchange)
      case 'tools/call':
        return await answerCall(exchange, params, this.#ports)
      default:
        return await this.#lists.refuseMethod(exchange, message.method)
    }
  }

  /** Whether a page is asked for that was never offered: every list is whole. */
  #hasCursor({ body, params }: Params): boolean {
    return params !== undefined && textOf(body, membersOf(body, params).get('cursor')) !== undefined
  }

  async #initialize(post: Post, message: RequestMessage, { body, params }: Params): Promise<Reply> {
    const requested = params === undefined ? undefined : textOf(body, membersOf(body, params).get('protocolVersion'))
    const version = negotiate(requested)
    const info = await this.#serverInfo(exchangeOf(post, false, post.gone))
    if ('kind' in info) return replyWith(info, message.id)
    const session = this.#sessions.begin(post.open, version)
    const value = concatBytes([
      toUtf8(`{"protocolVersion":"${version}","capabilities":{"tools":{}},"serverInfo":`),
      info,
      toUtf8('}'),
    ])
    return { ...replyWith({ kind: 'result', value }, message.id), headers: { 'mcp-session-id': session.id } }
  }

  async #discover(exchange: Exchange): Promise<Answer> {
    const info = await this.#serverInfo(exchange)
    if ('kind' in info) return info
    const facts: Json = { supportedVersions: SUPPORTED_VERSIONS, capabilities: { tools: {} } }
    const head = `{"resultType":"complete",${JSON.stringify(facts).slice(1, -1)},"ttlMs":60000,"cacheScope":"private",`
    const value = concatBytes([toUtf8(`${head}"_meta":{"io.modelcontextprotocol/serverInfo":`), info, toUtf8('}}')])
    return { kind: 'result', value }
  }

  async #serverInfo(exchange: Exchange): Promise<Bytes | Answer> {
    const { open } = exchange
    const { server } = exchange.served()
    try {
      return serverInfo(await this.#ports.servers.take(open, server), server.resource.name, this.#ports)
    } catch (error) {
      return refusedRequest(refusalOf(toFault(error, this.#ports.log), about(exchange)))
    }
  }

  /** Notifications are taken; `notifications/cancelled` of a client up to 2025-11-25 takes a request back. None is passed on as it came. */
  #notification(post: Post, message: NotificationMessage): Reply {
    const params = paramsOf(post, message)
    const header = headerOf(post.request, 'mcp-protocol-version')
    if (statedVersion(params) !== undefined || header === MODERN_VERSION) return ACCEPTED
    const session = this.#sessionOf(post)
    if ('status' in session) return session
    if (message.method === 'notifications/cancelled' && params.params !== undefined) {
      const id = membersOf(post.body, params.params).get('requestId')
      const text = id === undefined ? '' : fromUtf8(post.body.subarray(id.start, id.end))
      if (/^(?:"|-?\d+$)/.test(text)) session.running.get(idKey(text))?.abort()
    }
    return ACCEPTED
  }

  /** Ends a session, as its client asks. */
  end(request: IncomingMessage, open: OpenSession): Reply {
    const session = this.#sessionOf({ request, open })
    if ('status' in session) return session
    this.#sessions.end(session)
    return { status: 204 }
  }

  /** MCP 2025-11-25, Session Management: without an id 400; of a session that is over 404, upon which the client begins a new one. */
  #sessionOf({ request, open }: Pick<Post, 'request' | 'open'>, messageId?: string): LegacySession | Reply {
    const id = headerOf(request, 'mcp-session-id')
    if (id === undefined)
      return replyError({ code: INVALID_REQUEST, message: NO_SESSION_ID, unread: 'session' }, 400, messageId)
    const session = this.#sessions.find(id, open)
    return session ?? replyError({ code: INVALID_REQUEST, message: NO_SESSION, unread: 'session' }, 404, messageId)
  }
}

const NO_SESSION_ID =
  'an Mcp-Session-Id header is needed (from initialize), or the metadata of protocol version 2026-07-28 in params._meta'
const NO_SESSION = 'the session is not known or is over: begin a new one with initialize'

function noSuchPage(): Answer {
  return errorAnswer({ code: -32_602, message: 'Invalid cursor: every list is whole', unread: 'params' })
}

function paramsOf({ body }: Post, message: RequestMessage | NotificationMessage): Params {
  return message.params === undefined ? { body } : { body, params: message.params }
}

function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}

function exchangeOf({ open, served, gone, mayAnswer }: Post, isModern: boolean, signal: AbortSignal): Exchange {
  return { open, served, isModern, signal, isConnected: () => !gone.aborted, mayAnswer }
}
