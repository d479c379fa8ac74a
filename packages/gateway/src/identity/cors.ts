import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * Opens an answer to scripts of every origin, without credentials: for what is public, or asks for nothing of the browser's. True when the request was
 * only the question whether it may be asked (Fetch, CORS-preflight), which is answered then.
 */
export function openToScripts({ method }: IncomingMessage, response: ServerResponse, methods: string): boolean {
  response.setHeader('access-control-allow-origin', '*')
  if (method !== 'OPTIONS') return false
  const allowed = { 'access-control-allow-methods': methods, 'access-control-allow-headers': '*' }
  response.writeHead(204, { ...allowed, 'access-control-max-age': '3600' }).end()
  return true
}
