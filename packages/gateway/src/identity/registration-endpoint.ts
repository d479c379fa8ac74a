import type { IncomingMessage, ServerResponse } from 'node:http'
import { parseJson } from '#base'
import { GatewayError, type Log } from '#model'
import { readBody } from './body.ts'
import { type Clients, toMetadata } from './clients.ts'
import { openToScripts } from './cors.ts'
import { describeFault } from './fault.ts'
import { clientOf } from './recorder.ts'
import { readRegistration } from './registration.ts'
import type { Throttle } from './throttle.ts'

/** Ten redirect URIs of full length and a name fit twice. */
const MAX_BODY_BYTES = 16_384

/** What registrations are answered with. */
export interface RegistrationEndpoint {
  readonly clients: Clients
  readonly throttle: Throttle
  readonly log: Log
}

/**
 * Answers `/oauth/register` (RFC 7591 §3). Open to scripts of any origin: a browser-based client is unknown until it has registered, nothing of
 * the browser's goes into it, and the answer gives no more than a name. What a client may do is asked of the person, each time.
 */
export async function answerRegistration(
  request: IncomingMessage,
  response: ServerResponse,
  endpoint: RegistrationEndpoint,
): Promise<void> {
  if (openToScripts(request, response, 'POST')) return
  const { status, body } = await register(request, endpoint)
  // What was not read of a request cannot be followed by another one.
  if (!request.complete) response.setHeader('connection', 'close')
  if (status === 405) response.setHeader('allow', 'POST, OPTIONS')
  if (status === 429) response.setHeader('retry-after', '3600')
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

interface Answer {
  readonly status: number
  readonly body: object
}

async function register(request: IncomingMessage, { clients, throttle, log }: RegistrationEndpoint): Promise<Answer> {
  if (request.method !== 'POST') return refuse(405, 'clients register by POST')
  const address = request.socket.remoteAddress ?? ''
  if (!throttle.admit(address)) {
    log.warn('registration-throttled', { address })
    return refuse(429, 'too many registrations; try again in an hour', 'temporarily_unavailable')
  }
  // Asked for strictly: a page of another origin can send anything else without asking first.
  if (!/^application\/json(?:;|$)/i.test(request.headers['content-type'] ?? ''))
    return refuse(400, 'the content type of a registration is application/json')
  const text = await readBody(request, MAX_BODY_BYTES)
  if (text === undefined) return refuse(413, `a registration is UTF-8 of at most ${MAX_BODY_BYTES} bytes`)
  const registration = readRegistration(parse(text))
  if ('error' in registration) return refuse(400, registration.description, registration.error)
  try {
    const client = await clients.register(registration, clientOf(request))
    if (client !== undefined) return { status: 201, body: toMetadata(client) }
    log.warn('registrations-full', { address })
    return refuse(503, 'there are too many registrations just now', 'temporarily_unavailable')
  } catch (error) {
    log.error('registration-failed', { error: describeFault(error) })
    const words = error instanceof GatewayError ? error.message : 'the registration could not be kept'
    return refuse(503, words, 'temporarily_unavailable')
  }
}

function parse(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}

function refuse(status: number, description: string, error = 'invalid_client_metadata'): Answer {
  return { status, body: { error, error_description: description } }
}
