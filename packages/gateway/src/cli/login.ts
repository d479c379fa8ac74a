import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as oauth from 'openid-client'
import { systemClock } from '#machine'
import { CommandError, EXIT } from './exit-codes.ts'
import type { Profile } from './profile.ts'

/** The public client that the authorization server knows the command line by. */
const CLIENT_ID = 'sallyport-cli'
/** A person has this long to log in. */
const LOGIN_TIMEOUT_MS = 300_000

/** What the command line says while it waits for a person. */
export interface LoginWords {
  say(line: string): void
  /** Opens a browser, if there is one; the address is said anyway. */
  open(url: string): void
}

/** @throws {CommandError} for a gateway's address over which a login would go in the clear. */
function safeUrl(text: string): URL {
  const url = URL.parse(text)
  const isLocal = url !== null && /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(url.hostname)
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLocal)) return url
  throw new CommandError(EXIT.usage, `${text} is not an https address`, 'sallyport login --url https://…')
}

async function discover(url: string): Promise<oauth.Configuration> {
  const issuer = safeUrl(url)
  const insecure = issuer.protocol === 'http:' ? { execute: [oauth.allowInsecureRequests] } : {}
  try {
    return await oauth.discovery(issuer, CLIENT_ID, undefined, oauth.None(), { algorithm: 'oauth2', ...insecure })
  } catch (error) {
    throw new CommandError(
      EXIT.upstream,
      `no Sallyport answers at ${url}`,
      `check the address${error instanceof Error ? ` (${error.message})` : ''}`,
    )
  }
}

/** Names the resource indicator (RFC 8707) of a configured resource. */
export function resourceUri(url: string, name: string): string {
  return `${url}/resource/${name}`
}

/** Names the resource indicator of the API. */
export function apiUri(url: string): string {
  return `${url}/api`
}

/** Logs in through the browser: authorization code with PKCE, answered on a loopback port (RFC 8252 §7.3). */
export async function loginByBrowser(url: string, words: LoginWords, hint?: string): Promise<Profile> {
  const config = await discover(url)
  const verifier = oauth.randomPKCECodeVerifier()
  const state = oauth.randomState()
  const answer = await listenForAnswer()
  try {
    const parameters = new URLSearchParams({
      redirect_uri: answer.redirectUri,
      scope: 'openid offline_access',
      prompt: 'consent',
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      resource: apiUri(url),
    })
    if (hint !== undefined) parameters.set('login_hint', hint)
    const address = oauth.buildAuthorizationUrl(config, parameters).href
    words.say(`Log in here: ${address}`)
    words.open(address)
    const callback = await answer.callback
    const checks = { pkceCodeVerifier: verifier, expectedState: state }
    const tokens = await oauth
      .authorizationCodeGrant(config, callback, checks, { resource: apiUri(url) })
      .catch(refuseLogin)
    return await toProfile(url, tokens)
  } finally {
    answer.close()
  }
}

/** Logs in without a browser on this machine: device flow (RFC 8628). */
export async function loginByDevice(url: string, words: LoginWords): Promise<Profile> {
  const config = await discover(url)
  const device = await oauth.initiateDeviceAuthorization(config, {
    scope: 'openid offline_access',
    resource: apiUri(url),
  })
  words.say(`Visit ${device.verification_uri} and enter the code ${device.user_code}`)
  if (device.verification_uri_complete !== undefined) words.say(`or open ${device.verification_uri_complete}`)
  const tokens = await oauth.pollDeviceAuthorizationGrant(config, device, { resource: apiUri(url) }).catch(refuseLogin)
  return await toProfile(url, tokens)
}

/** A token for one resource, by the refresh token; the refresh token rotates, so the profile that comes back must be kept. */
export async function tokenFor(
  profile: Profile,
  resource: string,
): Promise<{ token: string; expiresAtMs: number; profile: Profile }> {
  const config = await discover(profile.url)
  const tokens = await oauth.refreshTokenGrant(config, profile.refreshToken, { resource }).catch((error: unknown) => {
    throw toCommandError(error)
  })
  const expiresAtMs = systemClock.nowMs() + (tokens.expires_in ?? 0) * 1000
  return {
    token: tokens.access_token,
    expiresAtMs,
    profile: { ...profile, refreshToken: tokens.refresh_token ?? profile.refreshToken },
  }
}

/** Gives up the login at the authorization server (RFC 7009). */
export async function logout(profile: Profile): Promise<void> {
  const config = await discover(profile.url)
  await oauth.tokenRevocation(config, profile.refreshToken)
}

async function toProfile(url: string, tokens: oauth.TokenEndpointResponse): Promise<Profile> {
  if (tokens.refresh_token === undefined) throw new CommandError(EXIT.unexpected, 'the gateway gave no login to keep')
  const api = { token: tokens.access_token, expiresAtMs: systemClock.nowMs() + (tokens.expires_in ?? 0) * 1000 }
  const response = await fetch(`${url}/api/v1/whoami`, { headers: { authorization: `Bearer ${api.token}` } })
  const who = (await response.json()) as { identity?: { name?: string } }
  return { url, refreshToken: tokens.refresh_token, name: who.identity?.name ?? 'unknown', api }
}

/** Says in words how a login ended that came to nothing: RFC 6749 §4.1.2.1, RFC 8628 §3.5. */
function refuseLogin(error: unknown): never {
  const isAnswer = error instanceof oauth.ResponseBodyError || error instanceof oauth.AuthorizationResponseError
  if (isAnswer && error.error === 'access_denied') throw new CommandError(EXIT.denied, 'the login was refused')
  if (isAnswer && error.error === 'expired_token') throw new CommandError(EXIT.timeout, 'nobody logged in in time')
  throw error
}

function toCommandError(error: unknown): CommandError {
  if (error instanceof oauth.ResponseBodyError) {
    if (error.error === 'invalid_target')
      return new CommandError(EXIT.notFound, 'not found or not allowed', 'sallyport whoami lists what you may reach')
    if (error.error === 'invalid_grant')
      return new CommandError(EXIT.login, 'the login has expired or was revoked', 'sallyport login')
    return new CommandError(EXIT.upstream, error.error_description ?? error.error, 'try again in a moment')
  }
  return new CommandError(
    EXIT.upstream,
    `the gateway did not answer${error instanceof Error ? `: ${error.message}` : ''}`,
  )
}

/** Waits on a loopback port for the browser to come back. */
async function listenForAnswer(): Promise<{ redirectUri: string; callback: Promise<URL>; close: () => void }> {
  const { promise, resolve, reject } = Promise.withResolvers<URL>()
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', redirectUri)
    if (url.pathname !== '/callback') {
      response.writeHead(404).end()
      return
    }
    const failed = url.searchParams.has('error')
    response.writeHead(failed ? 400 : 200, { 'content-type': 'text/html; charset=utf-8', connection: 'close' })
    response.end(
      `<!doctype html><title>Sallyport</title><p>${failed ? 'The login was refused.' : 'You are logged in.'} You can close this window.</p>`,
    )
    resolve(url)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const redirectUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`
  const timer = setTimeout(() => {
    reject(new CommandError(EXIT.timeout, 'nobody logged in within five minutes'))
  }, LOGIN_TIMEOUT_MS)
  promise.catch(() => undefined)
  return {
    redirectUri,
    callback: promise,
    close: () => {
      clearTimeout(timer)
      server.close()
    },
  }
}
