/**
 * Runs inside a child's namespaces, as the parent of the MCP server: offers the private door, a unix socket, as a port of the loopback
 * interface, where any database client finds it. It knows nothing of what goes through, and ends with the server or with the gateway.
 *
 * Arguments: path of the socket, port, program, its arguments. File descriptor 3 closes when the gateway ends.
 */
import { spawn } from 'node:child_process'
import { connect, createServer, Socket } from 'node:net'

/** A database client needs a few; a hostile one gets no more. */
const MAX_CONNECTIONS = 32
/** What a shell says for "cannot be started". */
const NOT_STARTED = 127
const SIGNALLED = 128

const [socketPath = '', port = '', program = '', ...args] = process.argv.slice(2)

const lifeline = new Socket({ fd: 3 })
lifeline.on('error', () => process.exit(SIGNALLED))
lifeline.on('close', () => process.exit(SIGNALLED))
lifeline.resume()
lifeline.unref()

/** Passes bytes both ways, each as fast as the other takes them. */
function join(client: Socket): void {
  const door = connect({ path: socketPath, allowHalfOpen: true })
  const end = (): void => {
    client.destroy()
    door.destroy()
  }
  client.on('error', end)
  door.on('error', end)
  client.on('close', end)
  door.on('close', end)
  client.pipe(door).pipe(client)
}

const server = createServer({ allowHalfOpen: true, noDelay: true }, join)
server.maxConnections = MAX_CONNECTIONS
server.on('error', (error) => {
  process.stderr.write(`the way to the database cannot be offered: ${error.message}\n`)
  process.exit(NOT_STARTED)
})
server.listen(Number(port), '127.0.0.1', () => {
  const child = spawn(program, args, { stdio: ['inherit', 'inherit', 'inherit'] })
  child.on('error', (error) => {
    process.stderr.write(`${program} cannot be started: ${error.message}\n`)
    process.exit(NOT_STARTED)
  })
  child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? NOT_STARTED) : SIGNALLED))
})
