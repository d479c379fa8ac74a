import { GatewayError } from '#model'
import { type Audiences, listAudiences } from './audiences.ts'
import type { IdentityOptions, WorkloadRule } from './options.ts'

const ACCESS_TOKEN_SECONDS = 15 * 60
const LOGIN_SECONDS = 8 * 60 * 60
const IDLE_LIMIT_MS = 15 * 60_000
const RESOURCE_NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/

/** The public client that the command line is. */
export const CLI_CLIENT_ID = 'sallyport-cli'
export const CLI_CLIENT_NAME = 'The Sallyport command line'

/** The options, checked and completed. */
export interface Settings {
  /** The issuer: the public URL without a slash at its end. */
  readonly issuer: string
  readonly isSecure: boolean
  /** What a token can be for: the API and each resource. */
  readonly audiences: Audiences
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
  checkIssuersKeys(options.workloads)
  checkNames(options)
  return {
    issuer: publicUrl.origin,
    isSecure: publicUrl.protocol === 'https:',
    audiences: listAudiences(publicUrl.origin, options.resources, options.mcpServers ?? []),
    accessTokenSeconds: seconds('access token', options.accessTokenSeconds ?? ACCESS_TOKEN_SECONDS),
    loginSeconds: seconds('login', options.loginSeconds ?? LOGIN_SECONDS),
    idleLimitMs: options.idleLimitMs ?? IDLE_LIMIT_MS,
    workloads: options.workloads,
  }
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

/** Tokens of one issuer are checked with one set of keys: of two places the second would be ignored without a word. */
function checkIssuersKeys(workloads: readonly WorkloadRule[]): void {
  for (const [issuer, rules] of Map.groupBy(workloads, ({ issuer: name }) => name)) {
    const [first, other] = rules
    const isOne = rules.every(({ jwksUri }) => jwksUri === first?.jwksUri)
    if (!isOne)
      throw invalid(
        `the workloads of issuer ${issuer} ("${first?.name}", "${other?.name}"…) must all have the same jwksUri, or none`,
      )
  }
}

function checkNames({ resources, mcpServers = [], workloads }: IdentityOptions): void {
  const bad = [...resources, ...mcpServers].find((name) => !RESOURCE_NAME.test(name))
  if (bad !== undefined) throw invalid(`"${bad}" cannot name a resource`)
  const both = mcpServers.find((name, index) => resources.includes(name) || mcpServers.indexOf(name) !== index)
  if (both !== undefined) throw invalid(`two resources are called "${both}"`)
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
