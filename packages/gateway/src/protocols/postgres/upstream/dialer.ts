import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Bytes } from '#base'

/** Where a database listens. */
export interface DialTarget {
  readonly host: string
  readonly port: number
}

/** How to dial. */
interface DialOptions {
  /** Ends the attempt. */
  readonly signal: AbortSignal
  /**
   * Whether `listen` may hand out views of a buffer that the next chunk is read into. Not for a stream that is given to TLS.
   */
  readonly isTransient: boolean
}

/** An open way to a database. */
export interface Dialled {
  readonly stream: Duplex
  /** Calls the listener with each chunk from now on, instead of `data` events; once only. */
  listen(listener: (chunk: Bytes) => void): void
}

/** Opens ways to databases; a port, so that a connector inside the database's network can carry them. */
export interface Dialer {
  /** Rejects when the database cannot be reached or the signal comes first. */
  dial(target: DialTarget, options: DialOptions): Promise<Dialled>
}

/** Read at a time; larger buffers gain nothing measurable. */
const READ_BUFFER_BYTES = 65_536

/** Dials over TCP from here. */
export function createTcpDialer(): Dialer {
  // One buffer for all sockets: each chunk is dealt with before the event loop reads the next.
  const buffer = new Uint8Array(READ_BUFFER_BYTES)
  return { dial: (target, options) => dialTcp(target, options, buffer) }
}

function dialTcp(target: DialTarget, options: DialOptions, buffer: Uint8Array): Promise<Dialled> {
  return new Promise((resolve, reject) => {
    let listener: ((chunk: Bytes) => void) | undefined
    const callback = (length: number): boolean => {
      listener?.(buffer.subarray(0, length))
      return true
    }
    const onread = options.isTransient ? { onread: { buffer, callback } } : {}
    const stream = connect({ ...target, noDelay: true, keepAlive: true, ...onread })
    // Not as an option of `connect`: there the signal would end the stream whenever it comes.
    const onAbort = (): void => {
      stream.destroy()
      reject(new Error('no connection in time'))
    }
    options.signal.addEventListener('abort', onAbort)
    stream.once('error', (error) => {
      options.signal.removeEventListener('abort', onAbort)
      reject(error)
    })
    stream.once('connect', () => {
      options.signal.removeEventListener('abort', onAbort)
      const listen = (given: (chunk: Bytes) => void): void => {
        if (options.isTransient) listener = given
        else stream.on('data', given)
      }
      resolve({ stream, listen })
    })
  })
}
