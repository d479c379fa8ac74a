import { generateKeyPairSync, sign } from 'node:crypto'
import { createServer } from 'node:http'
import { freePort } from '../demo/ports.ts'

/** An issuer of job tokens, as a CI system has one: it publishes its key, and gives one job one token. */
export interface Issuer {
  readonly url: string
  /** A token for a job that runs for an hour. */
  token(subject: string, audience: string): string
  stop(): Promise<void>
}

const TOKEN_SECONDS = 3600

/** Starts an issuer in this process. */
export async function startIssuer(): Promise<Issuer> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const port = await freePort(8190)
  const url = `http://127.0.0.1:${port}`
  const documents: Readonly<Record<string, unknown>> = {
    '/.well-known/openid-configuration': { issuer: url, jwks_uri: `${url}/jwks` },
    '/jwks': { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'bench', alg: 'RS256', use: 'sig' }] },
  }
  const server = createServer((request, response) => {
    const document = documents[request.url ?? '']
    response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(document ?? {}))
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const token = (subject: string, audience: string): string => {
    const now = Math.floor(Date.now() / 1000)
    const claims = { iss: url, sub: subject, aud: audience, iat: now, exp: now + TOKEN_SECONDS }
    const signed = [{ alg: 'RS256', typ: 'JWT', kid: 'bench' }, claims].map(encodePart).join('.')
    return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`
  }
  const stop = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { url, token, stop }
}

function encodePart(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
