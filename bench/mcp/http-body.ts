import type { IncomingMessage, ServerResponse } from 'node:http'

/** Calls back with a request's whole body. */
export function withBody(request: IncomingMessage, take: (body: string) => void): void {
  let body = ''
  request
    .setEncoding('latin1')
    .on('data', (chunk: string) => {
      body += chunk
    })
    .on('end', () => {
      take(body)
    })
}

/** Answers with JSON; 202 without. */
export function reply(response: ServerResponse, body: string | undefined): void {
  if (body === undefined) response.writeHead(202, { 'content-length': 0 }).end()
  else response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
}
