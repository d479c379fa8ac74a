import type { AdapterPayload, Configuration, default as Provider, KoaContextWithOIDC } from 'oidc-provider'
import { ArtefactAdapter, type ArtefactContext, type ArtefactEvents } from './artefacts.ts'
import type { ProviderLibrary } from './load-provider.ts'
import type { OwnKeys } from './own-keys.ts'
import { ClientAdapter, type Clients, isRegistered } from './clients.ts'
import { escapeHtml, renderPage } from './pages.ts'
import { errorPage, keepErrorsHere } from './refused-authorizations.ts'
import { CLI_CLIENT_ID, CLI_CLIENT_NAME, type Settings } from './settings.ts'

/** Where people and clients find what. */
export const PATHS = {
  authorize: '/oauth/authorize',
  token: '/oauth/token',
  revoke: '/oauth/revoke',
  register: '/oauth/register',
  keys: '/oauth/jwks',
  deviceAuthorization: '/oauth/device',
  /** Short: people type it. */
  device: '/device',
  endSession: '/oauth/end-session',
  interaction: '/oauth/interaction/',
  callback: '/oauth/callback',
} as const

const CODE_SECONDS = 60
/** How long a person may take at the identity provider. */
export const INTERACTION_SECONDS = 600
/** The one scope: what a token may do is decided by policy, not by scope. */
export const RESOURCE_SCOPE = 'access'
export const SCOPES: readonly string[] = ['openid', 'offline_access', RESOURCE_SCOPE]

/** What the authorization server asks of the rest of identity. */
export interface AuthorizationServerHooks extends ArtefactEvents {
  /** A client gives a login up; may throw, and then it stays. */
  beforeLogout(context: KoaContextWithOIDC, grantId: string): Promise<void>
}

/** What the authorization server keeps its artefacts with, and where it finds clients that registered themselves. */
export interface AuthorizationServerStores {
  readonly context: ArtefactContext
  readonly hooks: AuthorizationServerHooks
  readonly clients: Clients
}

/**
 * Sallyport's own authorization server (OAuth 2.1): a public client for the command line, public clients that registered themselves for MCP
 * servers, one audience per token, opaque tokens.
 */
export function createAuthorizationServer(
  { Provider: Server, errors, interactionPolicy }: ProviderLibrary,
  settings: Settings,
  keys: OwnKeys,
  { context, hooks, clients: registered }: AuthorizationServerStores,
): Provider {
  const server = new Server(settings.issuer, {
    ...clients(),
    ...lifetimes(settings),
    ...features(settings, errors, hooks),
    adapter: (model: string) =>
      model === 'Client' ? new ClientAdapter(registered) : new ArtefactAdapter(model, context, hooks),
    discovery: metadata(settings),
    jwks: { keys: [keys.signingKey] },
    routes: routes(),
    scopes: [...SCOPES],
    clockTolerance: 0,
    cookies: cookies(keys.cookieKey),
    // RFC 9700 §2.1.1: public clients must use PKCE; the server knows S256 only.
    pkce: { required: () => true },
    responseTypes: ['code'],
    // The token endpoint knows no cookies: who has a code with its verifier, or a refresh token, is the client, whatever page it runs in. Scripts
    // are let through for applications that registered themselves; the command line is no page.
    clientBasedCORS: (_context, _origin, { clientId }) => isRegistered(clientId),
    allowOmittingSingleRegisteredRedirectUri: false,
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    interactions: {
      policy: loginEachTime(interactionPolicy),
      url: (_context, { uid }) => `${PATHS.interaction}${uid}`,
    },
    renderError: (context, out) => {
      context.type = 'html'
      context.body = renderPage(errorPage(out))
      // An error that would have been a redirect.
      if (context.status < 400) context.status = 400
    },
  })
  // The handler states host and scheme by itself before anything reads them.
  server.proxy = true
  server.use(endBrowserSession)
  keepErrorsHere(server)
  return server
}

function clients(): Pick<Configuration, 'clients' | 'clientDefaults' | 'clientAuthMethods' | 'enabledJWA'> {
  return {
    clients: [
      {
        client_id: CLI_CLIENT_ID,
        client_name: CLI_CLIENT_NAME,
        // RFC 8252 §7.3: on loopback any port will do.
        application_type: 'native',
        redirect_uris: ['http://127.0.0.1/callback', 'http://[::1]/callback', 'http://localhost/callback'],
        grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
      },
    ],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    clientAuthMethods: ['none'],
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
  }
}

/** A login has one end, and everything under it ends by then. */
function lifetimes({
  accessTokenSeconds,
  loginSeconds,
}: Settings): Pick<Configuration, 'ttl' | 'expiresWithSession' | 'issueRefreshToken' | 'rotateRefreshToken'> {
  const untilLoginEnds = ({ oidc }: KoaContextWithOIDC): number => oidc.entities.Grant?.remainingTTL ?? 1
  return {
    ttl: {
      AccessToken: (context) => Math.min(accessTokenSeconds, untilLoginEnds(context)),
      AuthorizationCode: CODE_SECONDS,
      DeviceCode: INTERACTION_SECONDS,
      Grant: loginSeconds,
      IdToken: CODE_SECONDS,
      Interaction: INTERACTION_SECONDS,
      RefreshToken: (context) => untilLoginEnds(context),
      Session: INTERACTION_SECONDS,
    },
    expiresWithSession: () => false,
    issueRefreshToken: (_context, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
  }
}

function features(
  settings: Settings,
  errors: ProviderLibrary['errors'],
  hooks: AuthorizationServerHooks,
): Pick<Configuration, 'features' | 'revokeGrantPolicy'> {
  return {
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
      deviceFlow: devicePages(),
      revocation: {
        enabled: true,
        allowedPolicy: async (context, client, token) => {
          if (token.clientId !== client.clientId || !('grantId' in token) || token.grantId === undefined) return false
          await hooks.beforeLogout(context, token.grantId)
          return true
        },
      },
      resourceIndicators: resourceIndicators(settings, errors),
    },
    // RFC 7009 §2.1 allows it: giving back any token of a login ends the login.
    revokeGrantPolicy: () => true,
  }
}

type ResourceIndicators = NonNullable<NonNullable<Configuration['features']>['resourceIndicators']>

/** RFC 8707. The command line may ask for everything; an application for one MCP server, which it must name. */
function resourceIndicators(
  { audiences: { api, indicators, mcp }, accessTokenSeconds }: Settings,
  { InvalidTarget }: ProviderLibrary['errors'],
): ResourceIndicators {
  return {
    enabled: true,
    // RFC 8707 §2: without `resource` the server may choose: all in one login, and of those the API for a token.
    defaultResource: (_context, { clientId }, oneOf) => {
      if (clientId === CLI_CLIENT_ID) return oneOf === undefined ? [...indicators.keys()] : api
      const [only] = oneOf ?? []
      if (only !== undefined) return only
      throw new InvalidTarget('say which MCP server the token is for: send its URL as "resource" (RFC 8707)')
    },
    useGrantedResource: () => true,
    getResourceServerInfo: ({ oidc }, resource, { clientId }) => {
      const isOurs = clientId === CLI_CLIENT_ID
      if (!isOurs && [oidc.params?.['resource']].flat().length > 1)
        throw new InvalidTarget('a token is for one MCP server; send one "resource"')
      const audience = isOurs ? indicators.get(resource) : mcp.has(resource) ? resource : undefined
      if (audience === undefined) throw new InvalidTarget('there is no such resource here')
      return { scope: RESOURCE_SCOPE, audience, accessTokenTTL: accessTokenSeconds, accessTokenFormat: 'opaque' }
    },
  }
}

/** What the metadata (RFC 8414) says beyond what the library knows. */
function metadata({ issuer, audiences }: Settings): Record<string, string | boolean | string[]> {
  return {
    ...(audiences.mcp.size === 0 ? {} : { registration_endpoint: `${issuer}${PATHS.register}` }),
    revocation_endpoint_auth_methods_supported: ['none'],
    client_id_metadata_document_supported: false,
  }
}

function routes(): NonNullable<Configuration['routes']> {
  return {
    authorization: PATHS.authorize,
    code_verification: PATHS.device,
    device_authorization: PATHS.deviceAuthorization,
    end_session: PATHS.endSession,
    jwks: PATHS.keys,
    revocation: PATHS.revoke,
    token: PATHS.token,
  }
}

/** Cookies do not know ports, so the names must not be those of another provider on the same host. */
function cookies(key: string): NonNullable<Configuration['cookies']> {
  return {
    keys: [key],
    names: { session: 'sallyport_session', interaction: 'sallyport_login', resume: 'sallyport_resume' },
    long: { httpOnly: true, sameSite: 'lax', signed: true },
    short: { httpOnly: true, sameSite: 'lax', signed: true },
  }
}

/** Each authorization is a login at the identity provider, whatever this browser did before. */
function loginEachTime({ base, Check }: ProviderLibrary['interactionPolicy']): ReturnType<typeof base> {
  const policy = base()
  const login = policy.get('login')
  login?.checks.clear()
  login?.checks.add(
    new Check('login', 'a login is needed', 'login_required', ({ oidc }) => oidc.result?.login === undefined),
  )
  return policy
}

/** The browser's session serves one login and ends with it: the identity provider has a session of its own, and one is enough. */
async function endBrowserSession(context: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> {
  await next()
  const { route, session } = (context.oidc as KoaContextWithOIDC['oidc'] | undefined) ?? {}
  const isResumed = route === 'resume' || route === 'device_resume'
  if (isResumed && session?.accountId !== undefined && context.status < 400) await session.destroy()
}

type DeviceFlow = NonNullable<NonNullable<Configuration['features']>['deviceFlow']>

function devicePages(): DeviceFlow {
  return {
    enabled: true,
    charset: 'base-20',
    mask: '****-****',
    deviceInfo: ({ req }) => ({ address: req.socket.remoteAddress }),
    userCodeInputSource: (context, form, _out, error) => {
      context.body = renderPage({
        title: 'Log in another device',
        lines: [error === undefined ? 'Enter the code that the device shows.' : codeProblem(error)],
        markup: `${withoutScript(form)}<button type="submit" form="op.deviceInputForm">Continue</button>`,
      })
    },
    userCodeConfirmSource: (context, ...[form, client, deviceInfo, userCode]) => {
      const address = (deviceInfo as { address?: unknown }).address
      context.body = renderPage({
        title: 'Is this your device?',
        lines: [`${client.clientName ?? client.clientId} asks to be logged in as you. It must show this code:`],
        markup: `<p><code>${escapeHtml(userCode)}</code></p>${withoutScript(form)}
<button type="submit" form="op.deviceConfirmForm">Yes, log in</button>
<button type="submit" form="op.deviceConfirmForm" name="abort" value="yes">No</button>`,
        small: `It was asked for from ${typeof address === 'string' ? address : 'an unknown address'}. If that was not you, choose No.`,
      })
    },
    successSource: (context) => {
      context.body = renderPage({ title: 'Logged in', lines: ['The device is logged in. You can close this window.'] })
    },
  }
}

function codeProblem(error: Error): string {
  return error.name === 'AbortedError'
    ? 'The login was not confirmed.'
    : 'That code is not one that waits for a login. Try again.'
}

/** The library's input field selects itself by script, which the pages do not allow. */
function withoutScript(form: string): string {
  return form.replaceAll(/ onfocus="[^"]*"/g, '')
}

/** The audiences that this client's logins cover: the command line is our own and is for everything that is configured now. */
export function audiencesOf(settings: Settings, clientId: AdapterPayload['clientId']): readonly string[] | undefined {
  return clientId === CLI_CLIENT_ID ? [...settings.audiences.indicators.keys()] : undefined
}
