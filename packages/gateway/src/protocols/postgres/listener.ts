import type { Socket } from 'node:net'
import { FailedAttempts } from '#base'
import { CancelKeys } from './cancel-keys.ts'
import { BufferPool } from './client/writer.ts'
import { serve } from './front.ts'
import type { PostgresOptions } from './options.ts'
import type { PostgresSession } from './session.ts'

/** Of one address, or door, within a minute. */
const MAX_REFUSED_TOKENS = 10

/** PostgreSQL for whoever accepts connections. */
export interface PostgresListener {
  /** Takes over an accepted socket; `door` names the private door by which it came, which is a safe channel whatever it is made of. */
  accept(socket: Socket, door?: string): void
  /** How many clients are connected. */
  readonly connections: number
  /** Ends all sessions and waits until their outcomes are handed over. */
  close(): Promise<void>
}

/** Makes the PostgreSQL side of the boundary; it opens no port itself. */
export function createPostgres(options: PostgresOptions): PostgresListener {
  const sessions = new Set<PostgresSession>()
  const sockets = new Set<Socket>()
  const { maxConnections } = options.limits
  const context = {
    options,
    sessions,
    attempts: new FailedAttempts(options.clock, MAX_REFUSED_TOKENS),
    cancelKeys: new CancelKeys<PostgresSession>(options.random),
    pool: new BufferPool(),
    hasRoom: () => sockets.size <= maxConnections,
  }
  let isClosed = false
  return {
    get connections(): number {
      return sockets.size
    },
    accept: (socket, door) => {
      // Beyond twice the limit nobody is even told why.
      if (isClosed || sockets.size >= 2 * maxConnections) {
        socket.destroy()
        return
      }
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      socket.setNoDelay(true)
      socket.setKeepAlive(true, KEEP_ALIVE_MS)
      void serve(socket, context, door)
    },
    close: async () => {
      isClosed = true
      const ended = [...sessions].map((session) => session.shutDown())
      await Promise.all(ended)
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** A client whose machine is gone is noticed after some of these. */
const KEEP_ALIVE_MS = 60_000
