/**
 * TLS towards the database: certificate and name are always verified (libpq's `verify-full`), there is no weaker mode with TLS.
 */
import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect, type TLSSocket } from 'node:tls'
import { type Bytes } from '#base'
import { GatewayError } from '#model'
import { encodeStartup } from '../codec/index.ts'
import type { ChannelBinding } from './scram.ts'

/** What to verify. */
export interface UpstreamTls {
  /** The name or address in the server's certificate. */
  readonly name: string
  /** PEM of the authorities to trust instead of the system's. */
  readonly ca?: string
}

/**
 * Asks for TLS on a fresh stream and sets it up.
 *
 * @throws {GatewayError} `SP_UPSTREAM_REFUSED` when the server has none or its certificate is not the right one.
 */
export async function secureStream(stream: Duplex, tls: UpstreamTls, signal: AbortSignal): Promise<TLSSocket> {
  stream.write(encodeStartup({ kind: 'ssl' }))
  const answer = await firstChunk(stream, signal)
  // PostgreSQL 18, SSL Session Encryption: "ensure that the frontend … only reads the single S byte": more was not sent through TLS.
  if (answer.length !== 1) throw new GatewayError('SP_UPSTREAM_REFUSED', 'the server sent data before TLS was set up')
  if (answer[0] !== 0x53) throw new GatewayError('SP_UPSTREAM_REFUSED', 'the server does not offer TLS')
  return handshake(stream, tls, signal)
}

function firstChunk(stream: Duplex, signal: AbortSignal): Promise<Bytes> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      stream.off('data', onData).off('error', onEnd).off('close', onEnd)
      signal.removeEventListener('abort', onEnd)
      stream.pause()
    }
    const onData = (chunk: Bytes): void => {
      settle()
      resolve(chunk)
    }
    const onEnd = (): void => {
      settle()
      reject(new GatewayError('SP_UPSTREAM_UNREACHABLE', 'the connection ended before TLS was set up'))
    }
    stream.on('data', onData).once('error', onEnd).once('close', onEnd)
    signal.addEventListener('abort', onEnd)
  })
}

function handshake(stream: Duplex, tls: UpstreamTls, signal: AbortSignal): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secure = connect({
      socket: stream,
      host: tls.name,
      // RFC 6066 §3: "Literal IPv4 and IPv6 addresses are not permitted in HostName".
      ...(isIP(tls.name) === 0 ? { servername: tls.name } : {}),
      ...(tls.ca === undefined ? {} : { ca: tls.ca }),
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['postgresql'],
      rejectUnauthorized: true,
    })
    const settle = (): void => {
      secure.off('error', onError).off('close', onClose)
      signal.removeEventListener('abort', onClose)
    }
    const onError = (error: Error): void => {
      settle()
      reject(new GatewayError('SP_UPSTREAM_REFUSED', `TLS: ${error.message}`, { cause: error }))
    }
    const onClose = (): void => {
      settle()
      secure.destroy()
      reject(new GatewayError('SP_UPSTREAM_UNREACHABLE', 'the connection ended while TLS was set up'))
    }
    secure.once('error', onError).once('close', onClose)
    signal.addEventListener('abort', onClose)
    secure.once('secureConnect', () => {
      settle()
      resolve(secure)
    })
  })
}

/** RFC 5929 §4.1: "if the certificate's signatureAlgorithm uses … MD5 or SHA-1, then use SHA-256", else its own hash. */
const hashesOfSignatures: Readonly<Record<string, string>> = {
  'ecdsa-with-SHA256': 'sha256',
  'ecdsa-with-SHA384': 'sha384',
  'ecdsa-with-SHA512': 'sha512',
  sha256WithRSAEncryption: 'sha256',
  sha384WithRSAEncryption: 'sha384',
  sha512WithRSAEncryption: 'sha512',
  sha1WithRSAEncryption: 'sha256',
  'ecdsa-with-SHA1': 'sha256',
  md5WithRSAEncryption: 'sha256',
}

/**
 * How SCRAM is tied to a stream, given whether the server offers SCRAM-SHA-256-PLUS. A certificate whose signature has no single hash
 * (Ed25519, RSA-PSS) cannot be bound to: then the flag says that we cannot ("n").
 */
export function channelBinding(stream: Duplex, isOffered: boolean): ChannelBinding {
  const certificate = 'getPeerX509Certificate' in stream ? (stream as TLSSocket).getPeerX509Certificate() : undefined
  if (certificate === undefined) return { flag: 'n' }
  const hash = hashesOfSignatures[certificate.signatureAlgorithm ?? '']
  if (hash === undefined) return { flag: 'n' }
  if (!isOffered) return { flag: 'y' }
  return { flag: 'p', certificateHash: createHash(hash).update(certificate.raw).digest() }
}
