/** A tool server that takes no time: what it answers is its caller's own text. Written by hand, because an SDK would take most of the time. */

interface Request {
  readonly id?: number | string
  readonly method: string
  readonly params?: { readonly protocolVersion?: string; readonly arguments?: { readonly text?: string } }
}

const text = { type: 'string' }
const TOOLS = [
  { name: 'echo', inputSchema: { type: 'object', properties: { text }, required: ['text'] } },
  {
    name: 'pay',
    inputSchema: {
      type: 'object',
      properties: { text, amount: { type: 'integer' }, currency: { type: 'string', enum: ['EUR', 'USD'] } },
      required: ['text', 'amount', 'currency'],
    },
  },
]

/** Answers a JSON-RPC message; undefined for a notification. */
export function answer(message: string): string | undefined {
  const { id, method, params } = JSON.parse(message) as Request
  if (id === undefined) return undefined
  const result = resultOf(method, params)
  const error = { code: -32601, message: 'Method not found' }
  return JSON.stringify({ jsonrpc: '2.0', id, ...(result === undefined ? { error } : { result }) })
}

function resultOf(method: string, params: Request['params']): object | undefined {
  switch (method) {
    case 'initialize':
      return {
        protocolVersion: params?.protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: 'echo', version: '1.0.0' },
      }
    case 'tools/list':
      return { tools: TOOLS }
    case 'tools/call':
      return { content: [{ type: 'text', text: params?.arguments?.text }], isError: false }
    case 'ping':
      return {}
    default:
      return undefined
  }
}
