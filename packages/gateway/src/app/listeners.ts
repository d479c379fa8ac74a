import { createServer, type Server, type Socket } from 'node:net'
import type { Server as HttpServer } from 'node:http'
import { splitAddress } from './config/load.ts'

/** Listens on `HOST:PORT`; rejects with the reason in words. */
export async function listen(server: Server | HttpServer, address: string): Promise<void> {
  const { host, port } = splitAddress(address)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        new Error(
          error.code === 'EADDRINUSE'
            ? `${address} is taken by another process`
            : `cannot listen on ${address}: ${error.message}`,
        ),
      )
    })
    server.listen(port, host, resolve)
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
