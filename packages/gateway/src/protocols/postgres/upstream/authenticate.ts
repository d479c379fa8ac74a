/**
 * Start-up towards a database: SCRAM only. A server that asks for the password itself, for its MD5, or for nothing at all is refused:
 * it has not shown that it knows the password, and might be anybody.
 */
import { type Bytes, concatBytes, type Secret, toUtf8 } from '#base'
import { GatewayError } from '#model'
import { type BackendMessage, encodeFrontend, type NoticeFields } from '../codec/index.ts'
import type { Conversation } from './conversation.ts'
import { type ChannelBinding, ScramExchange } from './scram.ts'
import type { Upstream } from './upstream.ts'

/** PostgreSQL 18, Message Formats: the Authentication… messages, by their number. */
const Request = { ok: 0, sasl: 10, saslContinue: 11, saslFinal: 12 } as const

/** What the exchange needs. */
export interface Login {
  readonly password: Secret<string>
  readonly nonce: string
  /** How to bind to the channel, given whether the server offers to. */
  binding(isOffered: boolean): ChannelBinding
}

/**
 * Authenticates and waits until the session is ready.
 *
 * @throws {GatewayError} `SP_UPSTREAM_REFUSED`, `SP_UPSTREAM_UNREACHABLE`, `SP_UPSTREAM_PROTOCOL`, or `SP_WIRE_UNSUPPORTED` when the
 *   server did not like a setting that the client asked for.
 */
export async function authenticate(upstream: Upstream, conversation: Conversation, login: Login): Promise<void> {
  const offered = mechanismsOf(await authentication(conversation, Request.sasl))
  const binding = login.binding(offered.includes('SCRAM-SHA-256-PLUS'))
  const mechanism = binding.flag === 'p' ? 'SCRAM-SHA-256-PLUS' : 'SCRAM-SHA-256'
  if (!offered.includes(mechanism))
    throw new GatewayError('SP_UPSTREAM_REFUSED', `the server does not offer ${mechanism}`)
  const exchange = new ScramExchange(login.password, binding, login.nonce)
  upstream.write(saslInitialResponse(mechanism, exchange.first()))
  const challenge = await authentication(conversation, Request.saslContinue)
  upstream.write(encodeFrontend({ kind: 'password', data: await exchange.final(challenge) }))
  exchange.verify(await authentication(conversation, Request.saslFinal))
  await authentication(conversation, Request.ok)
  await ready(upstream, conversation)
}

async function authentication(conversation: Conversation, expected: number): Promise<Bytes> {
  const message = await nextButNotices(conversation)
  if (message.kind === 'error') throw startupError(message.fields)
  if (message.kind !== 'authentication') throw new GatewayError('SP_UPSTREAM_PROTOCOL', `${message.kind} at login`)
  if (message.request === expected) return message.data
  const found = String(message.request)
  throw new GatewayError('SP_UPSTREAM_REFUSED', `the server asks for authentication ${found}, not for SCRAM`)
}

/** Reads settings and the key until the server is ready for the first statement. */
async function ready(upstream: Upstream, conversation: Conversation): Promise<void> {
  for (;;) {
    const message = await nextButNotices(conversation)
    if (message.kind === 'readyForQuery') return
    if (message.kind === 'parameterStatus') upstream.parameters.set(message.name, message.value)
    else if (message.kind === 'backendKeyData') {
      upstream.backendKey = { processId: message.processId, key: message.key }
    } else if (message.kind === 'error') throw startupError(message.fields)
    else throw new GatewayError('SP_UPSTREAM_PROTOCOL', `${message.kind} at login`)
  }
}

async function nextButNotices(conversation: Conversation): Promise<BackendMessage> {
  for (;;) {
    const message = await conversation.next()
    if (message.kind !== 'notice') return message
  }
}

/** What the server said, for the log: it may name the role and the database, so the client hears only the code. */
function startupError(fields: NoticeFields): GatewayError {
  const texts = new Map(fields)
  const sqlstate = texts.get('C') ?? ''
  const message = `${sqlstate} ${texts.get('M') ?? ''}`
  // 22023 invalid_parameter_value: a setting of the client's; insufficient resources (53), operator intervention (57).
  if (sqlstate === '22023') return new GatewayError('SP_WIRE_UNSUPPORTED', texts.get('M'))
  const isPassing = sqlstate.startsWith('53') || sqlstate.startsWith('57')
  return new GatewayError(isPassing ? 'SP_UPSTREAM_UNREACHABLE' : 'SP_UPSTREAM_REFUSED', message)
}

/** `(name: string) × …, then a zero byte` */
function mechanismsOf(data: Bytes): readonly string[] {
  return Buffer.from(data).toString('latin1').split('\0').filter(Boolean)
}

/** `mechanism: string | length: int32 | client-first-message` */
function saslInitialResponse(mechanism: string, first: Bytes): Bytes {
  const length = new Uint8Array(4)
  new DataView(length.buffer).setInt32(0, first.length)
  return encodeFrontend({ kind: 'password', data: concatBytes([toUtf8(`${mechanism}\0`), length, first]) })
}
