/** The calls that the load makes, and what they are answered with: the same bytes on every way. */

/** Which tool is called: `echo` with a text, `pay` also with an amount and a currency, which policy reads. */
export type Tool = 'echo' | 'pay'

export const INITIALIZE: string = JSON.stringify({
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'bench', version: '1.0.0' } },
})
export const INITIALIZED: string = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })
export const PROTOCOL_VERSION = '2025-11-25'

/** One call, of about 150 bytes, with a text of its own. */
export function callOf(tool: Tool, id: number): { readonly request: string; readonly answer: string } {
  const text = tool === 'echo' ? `order ${id} of Rossi, asked by phone in the morning` : `order ${id} of Rossi`
  const more = tool === 'echo' ? '' : `,"amount":${(id % 100) + 1},"currency":"EUR"`
  return {
    request: `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${tool}","arguments":{"text":"${text}"${more}}}}`,
    answer: `{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"${text}"}],"isError":false}}`,
  }
}
