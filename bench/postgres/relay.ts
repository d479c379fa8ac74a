/**
 * Our relay without inspection, a process of its own: bytes both ways between each client and a connection of its own to the database,
 * with the gateway's habits towards sockets. What Sallyport costs beyond this is what it does with the bytes.
 *
 *     node bench/postgres/relay.ts HOST PORT      prints `ready PORT`, ends when standard input does
 */
import { connect, createServer, type Socket } from 'node:net'

const [host = '127.0.0.1', port = ''] = process.argv.slice(2)

const CHUNK_BYTES = 65_536
const MAX_POOLED = 64

/** As the gateway's dialler reads: one buffer for all sockets, since each chunk is dealt with before the next is read. */
const buffer = new Uint8Array(CHUNK_BYTES)

/** As the gateway's writer keeps them: buffers that were written and can be filled again. */
const free: Uint8Array[] = []

function relay(client: Socket): void {
  const server = connect({
    host,
    port: Number(port),
    noDelay: true,
    onread: {
      buffer,
      callback: (length) => {
        if (!sendCopy(client, buffer.subarray(0, length))) server.pause()
        return true
      },
    },
  })
  client.on('data', (chunk) => {
    if (!server.write(chunk)) client.pause()
  })
  client.on('drain', () => server.resume())
  server.on('drain', () => client.resume())
  endTogether(client, server)
  endTogether(server, client)
}

/** Sends what lies in the buffer that is read into again. */
function sendCopy(to: Socket, chunk: Uint8Array): boolean {
  const copy = free.pop() ?? new Uint8Array(CHUNK_BYTES)
  copy.set(chunk)
  return to.write(copy.subarray(0, chunk.length), () => {
    if (free.length < MAX_POOLED) free.push(copy)
  })
}

function endTogether(one: Socket, other: Socket): void {
  one.on('end', () => other.end())
  one.on('error', () => one.destroy())
  one.on('close', () => other.destroy())
}

const listener = createServer({ noDelay: true }, relay)
listener.listen(0, '127.0.0.1', () => {
  const address = listener.address()
  if (address !== null && typeof address !== 'string') console.log(`ready ${address.port}`)
})
process.stdin.on('end', () => process.exit(0)).resume()
