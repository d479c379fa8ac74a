/** The least of an MCP server over stdio, written by hand, so that a test can answer whatever bytes it likes. */
import { createInterface } from 'node:readline'

/** A tool of a test's own server. */
export interface Tool {
  readonly name: string
  readonly description: string
  readonly inputSchema: object
  /** Answers the JSON text of a member: `"result":{…}` or `"error":{…}`. */
  call(given: Readonly<Record<string, unknown>>): Promise<string> | string
}

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: { readonly name?: string; readonly arguments?: Readonly<Record<string, unknown>> }
}

/** A result of one text. */
export function text(content: string): string {
  return `"result":${JSON.stringify({ content: [{ type: 'text', text: content }] })}`
}

/** Serves tools until standard input ends. `serverInfo` may say more than the name. */
export function serve(serverInfo: { readonly name: string; readonly title?: string }, tools: readonly Tool[]): void {
  const answer = async ({ method, params }: Message): Promise<string> => {
    switch (method) {
      case 'initialize': {
        const result = {
          protocolVersion: '2025-11-25',
          capabilities: { tools: {} },
          serverInfo: { version: '1', ...serverInfo },
        }
        return `"result":${JSON.stringify(result)}`
      }
      case 'tools/list': {
        const listed = tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }))
        return `"result":${JSON.stringify({ tools: listed })}`
      }
      case 'tools/call': {
        const tool = tools.find(({ name }) => name === params?.name)
        return (await tool?.call(params?.arguments ?? {})) ?? '"error":{"code":-32602,"message":"Unknown tool"}'
      }
      default:
        return '"error":{"code":-32601,"message":"Method not found"}'
    }
  }
  createInterface({ input: process.stdin }).on('line', (line) => {
    const message = JSON.parse(line) as Message
    if (message.id === undefined) return
    void answer(message).then((member) => process.stdout.write(`{"jsonrpc":"2.0","id":${message.id},${member}}\n`))
  })
}
