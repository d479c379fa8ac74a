/** JSON-RPC over the standard streams of a child: our requests, its answers; what it asks of us is refused. */
import type { Readable, Writable } from 'node:stream'
import { type Bytes, concatBytes, toUtf8 } from '#base'
import { GatewayError } from '#model'
import { answerLimits, type Message, readMessage, WireError } from '../codec/index.ts'
import type { ServerAnswer } from '../server-port.ts'
import { Lines } from './lines.ts'

/** What the owner of a conversation hears. */
export interface Listener {
  /** A notification, whole and raw. */
  notified(method: string, message: Bytes): void
  /** The conversation is over: it said something that may not be said. Said once. */
  broken(fault: GatewayError): void
  /** A line that is no JSON object: some servers print a banner. */
  said(line: Bytes): void
}

/** What one side may say. */
export interface ConversationLimits {
  /** One answer. */
  readonly answerBytes: number
}

/** Around an answer: `jsonrpc`, `id`, what servers add. */
const ENVELOPE_BYTES = 65_536
/** What it may say while nothing is asked of it. */
const UNASKED_BYTES = 1_048_576
/** Lines that are no JSON. */
const MAX_STRAY_LINES = 1_000
/** Ours that it does not read. */
const MAX_UNREAD_BYTES = 8_388_608
const OPEN_BRACE = 0x7b

/** JSON-RPC 2.0, Error object: "Method not found: The method does not exist / is not available." */
const METHOD_NOT_FOUND = -32601

interface Waiting {
  readonly resolve: (answer: ServerAnswer) => void
  readonly reject: (fault: unknown) => void
}

/** A request that was sent. */
export interface Sent {
  readonly id: number
  readonly answer: Promise<ServerAnswer>
}

/** One child's side of stdio; broken once, it stays so. */
export class Conversation {
  readonly #stdin: Writable
  readonly #limits: ConversationLimits
  readonly #listener: Listener
  readonly #lines: Lines
  readonly #waiting = new Map<number, Waiting>()
  #nextId = 1
  #budget = UNASKED_BYTES
  #strayLines = 0
  #fault: GatewayError | undefined

  constructor(
    streams: { readonly stdin: Writable; readonly stdout: Readable },
    limits: ConversationLimits,
    listener: Listener,
  ) {
    this.#stdin = streams.stdin
    this.#limits = limits
    this.#listener = listener
    this.#lines = new Lines(limits.answerBytes + ENVELOPE_BYTES)
    streams.stdout.on('data', (chunk: Bytes) => {
      this.#arrived(chunk)
    })
  }

  /** Sends a request; its answer, or the reason why there will be none. */
  request(method: string, params?: Bytes): Sent {
    const id = this.#nextId++
    const { promise, resolve, reject } = Promise.withResolvers<ServerAnswer>()
    // Whoever asked hears of a fault when they look; one that nobody looks at must not end the gateway.
    promise.catch(() => undefined)
    if (this.#fault !== undefined) reject(this.#fault)
    else {
      this.#waiting.set(id, { resolve, reject })
      this.#budget = UNASKED_BYTES + 2 * this.#limits.answerBytes
      this.#send(`{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)}`, params)
    }
    return { id, answer: promise }
  }

  notify(method: string, params?: Bytes): void {
    if (this.#fault === undefined) this.#send(`{"jsonrpc":"2.0","method":${JSON.stringify(method)}`, params)
  }

  /** Ends it from our side: whoever waits is told why, and nothing is heard any more. */
  end(fault: GatewayError): void {
    this.#fault ??= fault
    for (const waiting of this.#waiting.values()) waiting.reject(this.#fault)
    this.#waiting.clear()
  }

  /** MCP, stdio: "Messages are delimited by newlines, and MUST NOT contain embedded newlines." In JSON they stand between tokens only. */
  #send(head: string, params?: Bytes): void {
    const body = params === undefined ? [] : [toUtf8(',"params":'), onOneLine(params)]
    this.#stdin.write(concatBytes([toUtf8(head), ...body, toUtf8('}\n')]))
    if (this.#stdin.writableLength > MAX_UNREAD_BYTES) this.#break('it does not read what it is sent')
  }

  #arrived(chunk: Bytes): void {
    if (this.#fault !== undefined) return
    this.#budget -= chunk.length
    if (this.#budget < 0) {
      this.#breakTooLarge()
      return
    }
    const lines = this.#lines.take(chunk)
    if (lines === undefined) {
      this.#breakTooLarge()
      return
    }
    for (const line of lines) this.#heard(line)
  }

  #heard(line: Bytes): void {
    if (this.#fault !== undefined || line.every(isSpace)) return
    if (line.find((byte) => !isSpace(byte)) !== OPEN_BRACE) {
      this.#listener.said(line)
      if (++this.#strayLines > MAX_STRAY_LINES) this.#break('it says what is no JSON-RPC')
      return
    }
    try {
      this.#understood(readMessage(line, answerLimits(this.#limits.answerBytes + ENVELOPE_BYTES)), line)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.#break(`it sent what is no JSON-RPC: ${error.message}`)
    }
  }

  #understood(message: Message, line: Bytes): void {
    switch (message.kind) {
      case 'request':
        // MCP, Ping: "The receiver MUST respond promptly with an empty response." Nothing else of a server's wishes is passed on.
        this.#send(
          message.method === 'ping'
            ? `{"jsonrpc":"2.0","id":${message.id},"result":{}`
            : `{"jsonrpc":"2.0","id":${message.id},"error":{"code":${METHOD_NOT_FOUND},"message":"Method not found"}`,
        )
        return
      case 'notification':
        this.#listener.notified(message.method, line)
        return
      case 'result':
      case 'error':
        this.#answered(message.kind, message.id, line.subarray(message.value.start, message.value.end))
        return
      default:
        message satisfies never
    }
  }

  /** An answer to what was not asked, or not any more, is nobody's. */
  #answered(kind: 'result' | 'error', id: string | undefined, value: Bytes): void {
    const number = Number(id)
    const waiting = this.#waiting.get(number)
    if (waiting === undefined || String(number) !== id) return
    this.#waiting.delete(number)
    if (value.length > this.#limits.answerBytes) waiting.reject(new GatewayError('SP_MASK_TOO_LARGE', TOO_LARGE))
    else waiting.resolve({ kind, value })
  }

  #break(why: string): void {
    this.#breakWith(new GatewayError('SP_TOOL_SERVER_FAILED', why))
  }

  #breakTooLarge(): void {
    const isAsked = this.#waiting.size > 0
    this.#breakWith(
      isAsked
        ? new GatewayError('SP_MASK_TOO_LARGE', TOO_LARGE)
        : new GatewayError('SP_TOOL_SERVER_FAILED', 'it says more than anybody asked'),
    )
  }

  #breakWith(fault: GatewayError): void {
    if (this.#fault !== undefined) return
    this.end(fault)
    this.#listener.broken(fault)
  }
}

const TOO_LARGE = 'the answer is larger than limits.outputBytes'

function onOneLine(json: Bytes): Bytes {
  if (!json.includes(0x0a) && !json.includes(0x0d)) return json
  return json.map((byte) => (byte === 0x0a || byte === 0x0d ? 0x20 : byte))
}

/** RFC 8259 §2: space, tab, line feed, carriage return. */
function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d
}
