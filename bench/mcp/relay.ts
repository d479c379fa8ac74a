/**
 * Our relay without a boundary, a process of its own: HTTP in front, one child per client behind, and nothing read, checked, decided, recorded or
 * masked in between. What Sallyport costs beyond this is what it does with the messages.
 *
 *     node bench/mcp/relay.ts SERVER      prints `ready PORT`, ends when standard input does
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createServer, type ServerResponse } from 'node:http'
import type { Readable, Writable } from 'node:stream'
import { reply, withBody } from './http-body.ts'
import { onLine } from './lines.ts'

const [server = ''] = process.argv.slice(2)

interface Kept {
  readonly child: ChildProcessByStdio<Writable, Readable, null>
  /** Responses that wait for its answers, in order. */
  readonly waiting: ServerResponse[]
}

/** By what clients say in `Authorization`, which is not checked. */
const children = new Map<string, Kept>()

function childOf(client: string): Kept {
  const known = children.get(client)
  if (known !== undefined) return known
  const child = spawn(process.execPath, [server], { stdio: ['pipe', 'pipe', 'inherit'] })
  const kept: Kept = { child, waiting: [] }
  onLine(child.stdout, (line) => {
    const response = kept.waiting.shift()
    if (response !== undefined) reply(response, line)
  })
  children.set(client, kept)
  return kept
}

const listener = createServer((request, response) => {
  withBody(request, (body) => {
    const { child, waiting } = childOf(request.headers.authorization ?? '')
    child.stdin.write(`${body}\n`)
    // Nothing answers a notification.
    if (body.includes('"id":')) waiting.push(response)
    else reply(response, undefined)
  })
})
listener.listen(0, '127.0.0.1', () => {
  const address = listener.address()
  if (address !== null && typeof address !== 'string') console.log(`ready ${address.port}`)
})
process.stdin.on('end', () => process.exit(0)).resume()
