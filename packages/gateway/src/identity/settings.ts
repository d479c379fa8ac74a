import { GatewayError } from '#model'
import type { IdentityOptions, WorkloadRule } from './options.ts'

const ACCESS_TOKEN_SECONDS = 15 * 60
const LOGIN_SECONDS = 8 * 60 * 60
const IDLE_LIMIT_MS = 15 * 60_000
const RESOURCE_NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/

/** The public client that the command line is. */
export const CLI_CLIENT_ID = 'sallyport-cli'

/** The options, checked and completed. */
export interface Settings {
  /** The issuer: the public URL without a slash at its end. */
  readonly issuer: string
  readonly isSecure: boolean
  /** Every audience that a token can have: the API and each resource. */
  readonly audiences: readonly string[]
  readonly apiAudience: string
  readonly accessTokenSeconds: number
  readonly loginSeconds: number
  readonly idleLimitMs: number
  readonly workloads: readonly WorkloadRule[]
}

/** @throws {GatewayError} `SP_CONFIG_INVALID` */
export function readSettings(options: IdentityOptions): Settings {
  const publicUrl = readOrigin(options.publicUrl)
  checkIssuer('identity.issuer', options.upstream.issuer)
  for (const rule of options.workloads) checkWorkload(rule)
  checkNames(options)
  return {
    issuer: publicUrl.origin,
    isSecure: publicUrl.protocol === 'https:',
    audiences: [
      apiAudience(publicUrl.origin),
      ...options.resources.map((name) => resourceAudience(publicUrl.origin, name)),
    ],
    apiAudience: apiAudience(publicUrl.origin),
    accessTokenSeconds: seconds('access token', options.accessTokenSeconds ?? ACCESS_TOKEN_SECONDS),
    loginSeconds: seconds('login', options.loginSeconds ?? LOGIN_SECONDS),
    idleLimitMs: options.idleLimitMs ?? IDLE_LIMIT_MS,
    workloads: options.workloads,
  }
}

/** The audience of tokens for a resource (RFC 8707). */
export function resourceAudience(issuer: string, name: string): string {
  return `${issuer}/resource/${name}`
}

function apiAudience(issuer: string): string {
  return `${issuer}/api`
}

/** Whether a URL may be spoken to: https, or http where nobody can listen in. */
export function isTrustworthy(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname)
}

function readOrigin(text: string): URL {
  const url = URL.parse(text)
  if (url === null || !isTrustworthy(url)) throw invalid(`the public URL must be https, or http on loopback: ${text}`)
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '')
    throw invalid(`the public URL must be an origin, without a path: ${text}`)
  return url
}

function checkIssuer(key: string, text: string): void {
  const url = URL.parse(text)
  if (url === null || !isTrustworthy(url)) throw invalid(`${key} must be https, or http on loopback: ${text}`)
}

function checkWorkload({ name, issuer, jwksUri, claims }: WorkloadRule): void {
  checkIssuer(`the issuer of workload "${name}"`, issuer)
  if (jwksUri !== undefined) checkIssuer(`jwksUri of workload "${name}"`, jwksUri)
  if (Object.keys(claims).length === 0)
    throw invalid(`workload "${name}" names no claims, so every token of its issuer would be it`)
}

function checkNames({ resources, workloads }: IdentityOptions): void {
  const bad = resources.find((name) => !RESOURCE_NAME.test(name))
  if (bad !== undefined) throw invalid(`"${bad}" cannot name a resource`)
  const names = workloads.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw invalid(`two workloads are called "${twice}"`)
  // A person's id begins with `usr_`: a workload of such a name would be one.
  const person = names.find((name) => name === '' || name.startsWith('usr_'))
  if (person !== undefined) throw invalid(`"${person}" cannot name a workload`)
}

function seconds(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value
  throw invalid(`the lifetime of a ${name} must be a whole number of seconds`)
}

function invalid(message: string): GatewayError {
  return new GatewayError('SP_CONFIG_INVALID', message)
}
