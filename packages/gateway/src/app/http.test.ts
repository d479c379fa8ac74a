import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { createHttpServer } from './http.ts'

test('connections beyond the bound are closed at once, those below it are served', async (t) => {
  const server = createHttpServer(
    {
      api: (_request, response) => response.end('api'),
      mcp: { handles: () => false, handler: () => undefined },
      logins: () => undefined,
    },
    { tls: undefined, maxConnections: 2 },
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const open = async (): Promise<Socket> => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    await once(socket, 'connect')
    return socket
  }
  const half = await open()
  half.write('GET /healthz HTTP/1.1\r\n')
  const other = await open()
  const refused = await open()
  await once(refused.resume(), 'close')
  half.write('Host: x\r\nConnection: close\r\n\r\n')
  const [answer] = (await once(half.setEncoding('utf8'), 'data')) as [string]
  assert.match(answer, /^HTTP\/1\.1 200 /)
  await once(half, 'close')
  other.destroy()
})
