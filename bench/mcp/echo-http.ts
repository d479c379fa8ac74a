/**
 * The echo server behind HTTP, one process for all clients.
 *
 *     node bench/mcp/echo-http.ts      prints `ready PORT`, ends when standard input does
 */
import { createServer } from 'node:http'
import { answer } from './echo.ts'
import { reply, withBody } from './http-body.ts'

const server = createServer((request, response) => {
  withBody(request, (body) => {
    reply(response, answer(body))
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address !== null && typeof address !== 'string') console.log(`ready ${address.port}`)
})
process.stdin.on('end', () => process.exit(0)).resume()
