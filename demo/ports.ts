import { createServer } from 'node:net'

/** How many ports are tried upward from the wanted one. */
const TRIES = 50

/** A free port on 127.0.0.1: the wanted one, or the next that is free. The caller says when it shifted. */
export async function freePort(wanted: number): Promise<number> {
  for (let port = wanted; port < wanted + TRIES; port++) if (await isFree(port)) return port
  throw new Error(`no free port between ${wanted} and ${wanted + TRIES}`)
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return await new Promise((resolve) => {
    server.once('error', () => {
      resolve(false)
    })
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        resolve(true)
      })
    })
  })
}
