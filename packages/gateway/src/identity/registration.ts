const MAX_REDIRECT_URIS = 10
const MAX_URI_LENGTH = 512
/** Longer than any name that is meant to be read. */
const MAX_GIVEN_NAME_LENGTH = 256
const MAX_NAME_LENGTH = 64
const LOOPBACK_HOSTS = new Set(['127.0.0.1', '[::1]', 'localhost'])
/** RFC 8252 §7.1: "apps MUST use a URI scheme based on a domain name under their control, expressed in reverse order". */
const PRIVATE_USE_SCHEME = /^[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+:$/
/** Printable ASCII without space, quotes and brackets: what RFC 3986 lets into a URI, and nothing that two parsers could read differently. */
const URI_CHARACTERS = /^[!#$%&'()*+,\-./0-9:;=?@A-Z[\]_a-z~]+$/
const SECRETS_NOT_GIVEN = new Set(['none', 'client_secret_basic', 'client_secret_post'])
const GRANT_TYPES = ['authorization_code', 'refresh_token'] as const

/** What a registration asks for, as far as it is heeded. */
export interface ClientRegistration {
  /** What the application calls itself: one line; nobody has checked it. Absent when it says nothing. */
  readonly name?: string
  readonly redirectUris: readonly string[]
  readonly applicationType: 'native' | 'web'
  readonly grantTypes: readonly string[]
}

/** Why a registration is refused, in the words of RFC 7591 §3.2.2. */
export interface RegistrationFault {
  readonly error: 'invalid_redirect_uri' | 'invalid_client_metadata'
  readonly description: string
}

/**
 * Reads the metadata of a registration (RFC 7591 §2). What is not heeded is neither kept nor repeated nor fetched: logos, addresses, keys,
 * statements, scopes. A secret is never given, whatever is asked for: applications on people's machines cannot keep one.
 */
export function readRegistration(body: unknown): ClientRegistration | RegistrationFault {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    return fault('the registration is a JSON object')
  const metadata = body as Readonly<Record<string, unknown>>
  const method = metadata['token_endpoint_auth_method'] ?? 'none'
  if (typeof method !== 'string' || !SECRETS_NOT_GIVEN.has(method))
    return fault('token_endpoint_auth_method must be none: clients that register are public, with PKCE')
  const { response_types: responseTypes = ['code'], grant_types: asked = GRANT_TYPES } = metadata
  if (!isShortList(responseTypes) || !responseTypes.includes('code')) return fault('response_types must contain code')
  if (!isShortList(asked) || !asked.includes('authorization_code'))
    return fault('grant_types must contain authorization_code')
  const name = metadata['client_name']
  if (name !== undefined && (typeof name !== 'string' || name.length > MAX_GIVEN_NAME_LENGTH))
    return fault(`client_name must be text of at most ${MAX_GIVEN_NAME_LENGTH} characters`)
  const addresses = readRedirects(metadata['redirect_uris'], metadata['application_type'])
  if ('error' in addresses) return addresses
  const shown = cleanName(name ?? '')
  return {
    ...(shown === '' ? {} : { name: shown }),
    ...addresses,
    grantTypes: GRANT_TYPES.filter((type) => asked.includes(type)),
  }
}

/**
 * What of a name is shown and recorded: one line, without anything that hides or turns what stands beside it, or that looks like the end of a
 * quotation, behind which it could go on in our words.
 */
export function cleanName(name: string): string {
  const line = name
    .toWellFormed()
    .normalize('NFC')
    .replaceAll(/[\p{C}\p{Z}]+/gu, ' ')
    .replaceAll(/\p{M}{3,}/gu, '')
    .replaceAll(/["\p{Pi}\p{Pf}\u201a\u201e\u301d-\u301f\uff02\u2033]/gu, "'")
    .trim()
  return [...line].slice(0, MAX_NAME_LENGTH).join('').trim()
}

/** Whereto a redirect leads, for people: the host, or the private scheme. */
export function redirectHost(uri: string): string {
  const { protocol, host } = new URL(uri)
  return protocol === 'https:' || protocol === 'http:' ? host : protocol
}

/** Whether a redirect stays on the machine of the browser. */
export function isOnThisMachine(uri: string): boolean {
  const { protocol, hostname } = new URL(uri)
  return protocol !== 'https:' && (protocol !== 'http:' || LOOPBACK_HOSTS.has(hostname))
}

function readRedirects(
  uris: unknown,
  type: unknown,
): Pick<ClientRegistration, 'redirectUris' | 'applicationType'> | RegistrationFault {
  if (!isShortList(uris) || uris.length === 0)
    return fault(`redirect_uris must be a list of 1 to ${MAX_REDIRECT_URIS} addresses`, 'invalid_redirect_uri')
  for (const uri of uris) {
    const problem = redirectProblem(uri)
    if (problem !== undefined) return fault(problem, 'invalid_redirect_uri')
  }
  const isWeb = uris.every((uri) => uri.startsWith('https:'))
  if (type !== undefined && type !== 'native' && type !== 'web') return fault('application_type must be native or web')
  // OpenID Connect Registration §2: "Web Clients […] MUST only register URLs using the https scheme".
  if (type === 'web' && !isWeb)
    return fault('application_type web goes with https addresses only; native with loopback', 'invalid_redirect_uri')
  return { redirectUris: [...new Set(uris)], applicationType: type ?? (isWeb ? 'web' : 'native') }
}

function redirectProblem(uri: string): string | undefined {
  const url = uri.length <= MAX_URI_LENGTH && URI_CHARACTERS.test(uri) ? URL.parse(uri) : null
  if (url === null) return `a redirect URI is an absolute URI of at most ${MAX_URI_LENGTH} characters`
  // RFC 6749 §3.1.2: "The endpoint URI MUST NOT include a fragment component".
  if (uri.includes('#')) return 'a redirect URI has no fragment'
  if (url.username !== '' || url.password !== '') return 'a redirect URI has no user in it'
  const isLoopback = LOOPBACK_HOSTS.has(url.hostname)
  if (url.protocol === 'https:') return isLoopback ? 'a loopback address is reached by http (RFC 8252 §7.3)' : undefined
  if (url.protocol === 'http:') return isLoopback ? undefined : 'http is for loopback addresses only; use https'
  return PRIVATE_USE_SCHEME.test(url.protocol)
    ? undefined
    : 'a scheme of your own is a domain name backwards, such as com.example.app (RFC 8252 §7.1)'
}

/** Metadata is bounded before this; a list of it has no more members than there may be addresses. */
function isShortList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= MAX_REDIRECT_URIS && value.every((item) => typeof item === 'string')
}

function fault(description: string, error: RegistrationFault['error'] = 'invalid_client_metadata'): RegistrationFault {
  return { error, description }
}
