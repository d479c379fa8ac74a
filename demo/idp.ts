/**
 * A development identity provider, in a process of its own: OpenID Connect for alice, bob and dana, and job tokens for ci-bot.
 *
 *     node demo/idp.ts --port 8180 [--client-secret SECRET] [--job-token-seconds 600] [--person '{"id":"erin","name":"Erin East","groups":["platform"]}']
 *
 * It prints one JSON line when it is ready and ends when its standard input closes. It asks nobody for a password, so it listens on loopback
 * only.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import { type Configuration, interactionPolicy, type KoaContextWithOIDC, Provider } from 'oidc-provider'

const ACCOUNTS = new Map<string, { name: string; email: string; groups: readonly string[] }>([
  ['alice', { name: 'Alice Archer', email: 'alice@example.com', groups: ['support'] }],
  ['bob', { name: 'Bob Baker', email: 'bob@example.com', groups: ['payments-leads'] }],
  ['dana', { name: 'Dana Drew', email: 'dana@example.com', groups: ['auditors'] }],
])
const MAX_FORM_BYTES = 4096
const LIFETIME_SECONDS = 600

/** Somebody besides the people of the demo. */
interface FurtherPerson {
  readonly id: string
  readonly name: string
  readonly groups: readonly string[]
}

interface Options {
  readonly issuer: string
  /** The secret of the client `sallyport`; empty for a public client. */
  readonly clientSecret: string
  readonly jobTokenSeconds: number
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      'client-secret': { type: 'string', default: '' },
      'job-token-seconds': { type: 'string', default: String(LIFETIME_SECONDS) },
      person: { type: 'string', multiple: true, default: [] },
    },
  })
  for (const person of values.person) {
    const { id, name, groups } = JSON.parse(person) as FurtherPerson
    ACCOUNTS.set(id, { name, email: `${id}@example.com`, groups })
  }
  const server = createServer()
  server.listen(Number(values.port), '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const provider = createProvider({
    issuer,
    clientSecret: values['client-secret'],
    jobTokenSeconds: Number(values['job-token-seconds']),
  })
  const answer = provider.callback()
  server.on('request', (request, response) => {
    route(provider, answer, request, response).catch((error: unknown) => {
      process.stderr.write(`${String(error)}\n`)
      response.writeHead(500).end()
    })
  })
  process.stdin.resume().once('close', () => process.exit(0))
  process.once('SIGTERM', () => process.exit(0))
  process.stdout.write(`${JSON.stringify({ issuer, clientId: 'sallyport', people: [...ACCOUNTS.keys()] })}\n`)
}

async function route(
  provider: Provider,
  answer: ReturnType<Provider['callback']>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!/^\/interaction\/[\w-]+$/.test(request.url ?? '')) await answer(request, response)
  else if (request.method === 'POST') await logIn(provider, request, response)
  else await showLogin(provider, request, response)
}

async function showLogin(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { uid, params } = await provider.interactionDetails(request, response)
  const buttons = [...ACCOUNTS].map(([id, { name, groups }]) => {
    const hinted = params['login_hint'] === id ? ' autofocus' : ''
    return `<button name="person" value="${id}"${hinted}>${name} (${groups.join(', ')})</button>`
  })
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
  response.end(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Development identity provider</title></head>
<body><h1>Who are you?</h1>
<p>This identity provider is for trying Sallyport out. It believes whatever you say.</p>
<form id="login" method="post" action="/interaction/${uid}">${buttons.join('\n')}
<button name="person" value="">None of these</button></form>
</body></html>
`)
}

async function logIn(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const person = (await readForm(request)).get('person') ?? ''
  const { params } = await provider.interactionDetails(request, response)
  if (!ACCOUNTS.has(person)) {
    await provider.interactionFinished(request, response, { error: 'access_denied' })
    return
  }
  const grant = new provider.Grant({ accountId: person, clientId: String(params['client_id']) })
  grant.addOIDCScope(String(params['scope']))
  await provider.interactionFinished(request, response, {
    login: { accountId: person, amr: ['pwd', 'otp'], acr: 'urn:example:mfa', remember: false },
    consent: { grantId: await grant.save() },
  })
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  let text = ''
  for await (const chunk of request) {
    text += String(chunk)
    if (text.length > MAX_FORM_BYTES) throw new Error('that is no login form')
  }
  return new URLSearchParams(text)
}

function createProvider(options: Options): Provider {
  const provider = new Provider(options.issuer, {
    ...clients(options),
    ...features(options),
    ...lifetimes(options),
    jwks: { keys: [signingKey()] },
    // Cookies do not know ports: other names than those of Sallyport on the same host.
    cookies: {
      keys: [randomBytes(32).toString('base64url')],
      names: { session: 'idp_session', interaction: 'idp_login', resume: 'idp_resume' },
    },
    scopes: ['openid', 'profile', 'email', 'groups'],
    claims: {
      openid: ['sub', 'acr', 'amr', 'auth_time'],
      profile: ['name', 'groups'],
      email: ['email', 'email_verified'],
      groups: ['groups'],
    },
    conformIdTokenClaims: false,
    expiresWithSession: () => false,
    clientBasedCORS: () => false,
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({ sub: id, ...ACCOUNTS.get(id), email_verified: true }),
    }),
    interactions: { policy: askEachTime(), url: (_context, { uid }) => `/interaction/${uid}` },
    renderError: (context, { error, error_description: description }) => {
      context.type = 'text'
      context.body = `${error}: ${description ?? ''}\n`
    },
  })
  provider.use(endSession)
  return provider
}

function clients({ clientSecret }: Options): Pick<Configuration, 'clients' | 'clientDefaults' | 'enabledJWA'> {
  const credential =
    clientSecret === ''
      ? ({ token_endpoint_auth_method: 'none' } as const)
      : ({ token_endpoint_auth_method: 'client_secret_basic', client_secret: clientSecret } as const)
  return {
    clients: [
      {
        client_id: 'sallyport',
        application_type: 'native',
        // Native, so that any port of a gateway on this machine will do.
        redirect_uris: ['127.0.0.1', 'localhost', '[::1]'].map((host) => `http://${host}/oauth/callback`),
        grant_types: ['authorization_code'],
        response_types: ['code'],
        ...credential,
      },
      {
        client_id: 'ci-bot',
        client_secret: 'ci-bot-demo-secret',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
  }
}

function features({ jobTokenSeconds }: Options): Pick<Configuration, 'features' | 'pkce'> {
  return {
    pkce: { required: (_context, client) => client.clientId === 'sallyport' },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => ({
          scope: '',
          audience: resource,
          accessTokenTTL: jobTokenSeconds,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  }
}

/** All stated: the library prints a line for each that is not. */
function lifetimes({ jobTokenSeconds }: Options): Pick<Configuration, 'ttl'> {
  const kinds = ['AuthorizationCode', 'AccessToken', 'Grant', 'IdToken', 'Interaction', 'RefreshToken', 'Session']
  const ttl = Object.fromEntries(kinds.map((kind) => [kind, LIFETIME_SECONDS]))
  return { ttl: { ...ttl, ClientCredentials: jobTokenSeconds } }
}

function signingKey(): NonNullable<Configuration['jwks']>['keys'][number] {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256' }
}

/** In the demo one browser plays all the people, so each login asks who it is. */
function askEachTime(): interactionPolicy.DefaultPolicy {
  const { base, Check } = interactionPolicy
  const policy = base()
  const login = policy.get('login')
  login?.checks.clear()
  login?.checks.add(
    new Check('login', 'a login is needed', 'login_required', ({ oidc }) => oidc.result?.login === undefined),
  )
  return policy
}

async function endSession(context: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> {
  await next()
  const { route, session } = (context.oidc as KoaContextWithOIDC['oidc'] | undefined) ?? {}
  if (route === 'resume' && session?.accountId !== undefined && context.status < 400) await session.destroy()
}

await main()
