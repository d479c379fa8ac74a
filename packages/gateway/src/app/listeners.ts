import { once } from 'node:events'
import type { Server as HttpServer } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import type { Log } from '#model'
import { splitAddress } from './config/load.ts'

/** Listens on `HOST:PORT`; rejects with the reason in words. A connection that cannot be taken later is a line of the log. */
export async function listen(server: Server | HttpServer, address: string, log: Log): Promise<void> {
  const { host, port } = splitAddress(address)
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new Error(
      code === 'EADDRINUSE' ? `${address} is taken by another process` : `cannot listen on ${address}: ${message}`,
      { cause: error },
    )
  }
  // Without somebody who listens, an accept(2) that the kernel has no memory for would end the gateway.
  server.on('error', (error: NodeJS.ErrnoException) => {
    log.warn('listener.trouble', { address, error: error.code ?? error.message })
  })
}

/** Builds a TCP listener that hands each connection to a protocol. */
export function createTcpServer(accept: (socket: Socket) => void): Server {
  return createServer({ noDelay: true, keepAlive: true }, accept)
}

/** Stops listening; open connections are their owners' to end. */
export async function closeListener(server: Server | HttpServer): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => {
      resolve()
    })
    if ('closeAllConnections' in server) server.closeAllConnections()
  })
}
