import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'

/** An issuer whose every word a test chooses: for tokens that no real identity provider gives out. */
export interface RawIssuer {
  readonly issuer: string
  readonly keys: Readonly<Record<string, CryptoKey>>
  /** Claims of the next ID token, over the good ones; undefined leaves one out. */
  idTokenClaims: Readonly<Record<string, unknown>>
  /** Makes the next ID token in another way. */
  makeIdToken: ((claims: JWTPayload) => Promise<string>) | undefined
  /** Parameters of the answer to the browser, over the good ones. */
  answer: Readonly<Record<string, string>>
  /** Status of whatever it is asked; 200 unless set. */
  status: number
  /** How often the keys were fetched. */
  keyFetches: number
  sign(claims: JWTPayload, header?: { alg?: string; kid?: string }): Promise<string>
  stop(): Promise<void>
}

/** The algorithms that it has a key for; a key's id is its algorithm. */
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA', 'ES384']

/** Starts a raw issuer on loopback. */
export async function startRawIssuer(): Promise<RawIssuer> {
  const pairs = await Promise.all(
    ALGORITHMS.map(async (alg) => [alg, await generateKeyPair(alg, { extractable: true })] as const),
  )
  const jwks = await Promise.all(
    pairs.map(async ([alg, { publicKey }]): Promise<JWK> => ({ ...(await exportJWK(publicKey)), kid: alg, alg })),
  )
  const keys = Object.fromEntries(pairs.map(([alg, { privateKey }]) => [alg, privateKey]))
  const server = createServer((request, response) => {
    reply(request).then(
      ({ status, headers = {}, body }) => response.writeHead(status, headers).end(JSON.stringify(body)),
      () => response.writeHead(500).end(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  let nonce = ''
  const reply = async (request: IncomingMessage): Promise<Reply> => {
    const url = new URL(request.url ?? '/', issuer)
    if (url.pathname === '/authorize') {
      nonce = url.searchParams.get('nonce') ?? ''
      return toCallback(url, raw)
    }
    if (raw.status !== 200) return { status: raw.status, body: {} }
    if (url.pathname === '/jwks') raw.keyFetches += 1
    const bodies: Readonly<Record<string, () => Promise<unknown>>> = {
      '/.well-known/openid-configuration': async () => metadata(issuer),
      '/jwks': async () => ({ keys: jwks }),
      '/token': async () => ({ access_token: 'x', token_type: 'Bearer', id_token: await makeIdToken(raw, nonce) }),
    }
    const body = await bodies[url.pathname]?.()
    return { status: body === undefined ? 404 : 200, headers: { 'content-type': 'application/json' }, body: body ?? {} }
  }
  const raw: RawIssuer = {
    issuer,
    keys,
    idTokenClaims: {},
    makeIdToken: undefined,
    answer: {},
    status: 200,
    keyFetches: 0,
    sign: async (claims, { alg = 'ES256', kid = alg } = {}) => {
      const key = keys[alg]
      if (key === undefined) throw new Error(`no key for ${alg}`)
      return await new SignJWT(claims).setProtectedHeader({ alg, kid }).sign(key)
    },
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return raw
}

interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: unknown
}

function metadata(issuer: string): unknown {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
    authorization_response_iss_parameter_supported: true,
  }
}

/** Whoever comes is logged in at once. */
function toCallback(url: URL, { issuer, answer }: RawIssuer): Reply {
  const callback = new URL(url.searchParams.get('redirect_uri') ?? '')
  const state = url.searchParams.get('state') ?? ''
  for (const [name, value] of Object.entries({ code: 'code', state, iss: issuer, ...answer }))
    callback.searchParams.set(name, value)
  return { status: 303, headers: { location: callback.href }, body: {} }
}

async function makeIdToken(raw: RawIssuer, nonce: string): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const good = { iss: raw.issuer, aud: 'sallyport', sub: 'subject-1', nonce, iat: now, exp: now + 60 }
  const claims = { ...good, ...raw.idTokenClaims } as JWTPayload
  return await (raw.makeIdToken?.(claims) ?? raw.sign(claims))
}
