/**
 * The first words of a client: TLS asked for or begun at once, GSSAPI turned down, then a start-up packet or a cancellation.
 */
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type SecureContext, TLSSocket } from 'node:tls'
import { type Bytes, concatBytes, toUtf8 } from '#base'
import { decodeStartup, startupLength, type StartupPacket, WireError } from '../codec/index.ts'

/** How a client introduced itself. */
export interface Introduction {
  readonly packet: Extract<StartupPacket, { kind: 'startup' | 'cancel' }>
  /** The client's stream from here on: TLS, or the socket itself. */
  readonly stream: Duplex
  readonly isTls: boolean
  /** The host name of its TLS handshake. */
  readonly serverName: string | undefined
  /** What came behind the packet. */
  readonly rest: Bytes
}

/** The client went away before it had said anything. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone'
}

/** PostgreSQL 18, protocol-flow: "ALPN … the protocol name registered at IANA is postgresql". */
const ALPN = 'postgresql'
/** RFC 8446 §5.1: ContentType handshake(22): a ClientHello where a start-up packet would have a length. */
const TLS_HANDSHAKE = 0x16

/**
 * Reads up to the start-up packet or cancellation.
 *
 * @throws {WireError} when it is none.
 * @throws {ClientGone} when the client hangs up or TLS fails.
 */
export async function receiveIntroduction(socket: Socket, tls: SecureContext | undefined): Promise<Introduction> {
  let stream: Duplex = socket
  let reader = new FirstBytes(socket)
  let secured: Secured | undefined
  const asked = new Set<string>()
  for (;;) {
    const [first] = await reader.atLeast(1)
    if (first === TLS_HANDSHAKE && secured === undefined && asked.size === 0) {
      secured = await beginTls(socket, reader.detach(), tls)
      // PostgreSQL 17 on: direct TLS "must" have agreed on the protocol, or another one's client could be tricked into talking to us.
      if (secured.stream.alpnProtocol !== ALPN) throw new WireError('SP_WIRE_INVALID', 'direct TLS without ALPN')
      stream = secured.stream
      reader = new FirstBytes(stream)
      continue
    }
    const packet = await readPacket(reader)
    if (packet.kind === 'startup' || packet.kind === 'cancel') {
      const facts = { packet, stream, isTls: secured !== undefined, serverName: secured?.serverName }
      return { ...facts, rest: reader.detach() }
    }
    if (secured !== undefined || asked.has(packet.kind))
      throw new WireError('SP_WIRE_INVALID', 'encryption asked for twice')
    asked.add(packet.kind)
    if (packet.kind === 'gssenc' || tls === undefined) stream.write(NO)
    else {
      // CVE-2021-23214: bytes behind the request came before TLS, whoever sent them.
      if (reader.buffered > 0) throw new WireError('SP_WIRE_INVALID', 'unencrypted data behind the request for TLS')
      stream.write(YES)
      secured = await beginTls(socket, reader.detach(), tls)
      stream = secured.stream
      reader = new FirstBytes(stream)
    }
  }
}

const YES = toUtf8('S')
const NO = toUtf8('N')

async function readPacket(reader: FirstBytes): Promise<StartupPacket> {
  const length = startupLength(await reader.atLeast(4)) ?? 0
  await reader.atLeast(length)
  return decodeStartup(reader.take(length))
}

interface Secured {
  readonly stream: TLSSocket
  readonly serverName: string | undefined
}

function beginTls(socket: Socket, already: Bytes, tls: SecureContext | undefined): Promise<Secured> {
  if (tls === undefined) throw new WireError('SP_WIRE_INVALID', 'TLS where none is offered')
  if (already.length > 0) socket.unshift(already)
  return new Promise((resolve, reject) => {
    let serverName: string | undefined
    const stream = new TLSSocket(socket, {
      isServer: true,
      secureContext: tls,
      ALPNProtocols: [ALPN],
      SNICallback: (name, done) => {
        serverName = name
        done(null)
      },
    })
    const onEnd = (): void => {
      stream.destroy()
      reject(new ClientGone())
    }
    stream.once('error', onEnd).once('close', onEnd)
    stream.once('secure', () => {
      stream.off('error', onEnd).off('close', onEnd)
      resolve({ stream, serverName })
    })
  })
}

/** The first bytes of a stream, collected until there are enough; the sizes asked for are bounded by the packets' limit. */
class FirstBytes {
  readonly #stream: Duplex
  #bytes: Bytes = new Uint8Array()
  #isGone = false
  #wake: (() => void) | undefined
  readonly #onData = (chunk: Bytes): void => {
    this.#bytes = concatBytes([this.#bytes, chunk])
    this.#stream.pause()
    this.#wake?.()
  }
  readonly #onEnd = (): void => {
    this.#isGone = true
    this.#wake?.()
  }

  constructor(stream: Duplex) {
    this.#stream = stream
    stream.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onEnd).on('close', this.#onEnd)
  }

  get buffered(): number {
    return this.#bytes.length
  }

  async atLeast(count: number): Promise<Bytes> {
    while (this.#bytes.length < count) {
      if (this.#isGone || this.#stream.destroyed) throw new ClientGone()
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#stream.resume()
      await woken
    }
    return this.#bytes
  }

  take(count: number): Bytes {
    const taken = this.#bytes.subarray(0, count)
    this.#bytes = this.#bytes.subarray(count)
    return taken
  }

  /** Leaves the stream, paused, and gives back what was not taken. */
  detach(): Bytes {
    this.#stream.pause()
    this.#stream.off('data', this.#onData).off('end', this.#onEnd).off('error', this.#onEnd).off('close', this.#onEnd)
    return this.#bytes
  }
}
