import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import pg from 'pg'
import type { Boundary } from './boundary.ts'
import { finish, sallyport, spawnSallyport } from './command.ts'
import { browseAs } from './login.ts'

/** The people of the demo, as the development identity provider knows them. */
export const PEOPLE = ['alice', 'bob', 'dana'] as const
export type PersonName = (typeof PEOPLE)[number]

/** Logs a person in with `sallyport login`, playing the browser. */
export async function login(boundary: Boundary, person: string): Promise<void> {
  const child = spawnSallyport(
    boundary,
    'login',
    '--url',
    boundary.url,
    '--profile',
    boundary.profile(person),
    '--no-open',
  )
  child.stdin.end()
  const ended = finish(child)
  for await (const line of createInterface({ input: child.stderr })) {
    const address = /^Log in here: (\S+)/.exec(line)?.[1]
    if (address === undefined) continue
    await browseAs(person, address)
    break
  }
  const { exitCode, stderr } = await ended
  if (exitCode !== 0) throw new Error(`${person} could not log in: ${stderr.trim()}`)
}

/** Gets a person's token for a resource with `sallyport token`. */
export async function tokenOf(boundary: Boundary, person: string, resource = 'cards'): Promise<string> {
  const { exitCode, stdout, stderr } = await sallyport(
    boundary,
    'token',
    resource,
    '--profile',
    boundary.profile(person),
  )
  if (exitCode !== 0) throw new Error(`${person} got no token: ${stderr.trim()}`)
  return stdout.trim()
}

/** Gets the job token of ci-bot from its own issuer, as a CI job would. */
export async function jobToken(boundary: Boundary): Promise<string> {
  const discovery = (await (await fetch(`${boundary.idpUrl}/.well-known/openid-configuration`)).json()) as {
    token_endpoint: string
  }
  const body = new URLSearchParams({ grant_type: 'client_credentials', resource: boundary.url })
  const authorization = `Basic ${Buffer.from('ci-bot:ci-bot-demo-secret').toString('base64')}`
  const response = await fetch(discovery.token_endpoint, { method: 'POST', body, headers: { authorization } })
  const { access_token: token } = (await response.json()) as { access_token?: string }
  if (token === undefined) throw new Error('the identity provider gave ci-bot no token')
  return token
}

/** Connects to the cards database through Sallyport with a plain client. */
export async function connect(boundary: Boundary, user: string, password: string): Promise<pg.Client> {
  const client = new pg.Client({ host: '127.0.0.1', port: boundary.postgresPort, user, password, database: 'cards' })
  // A client whose server is killed says so by an event; whoever waits for a query learns it there.
  client.on('error', () => undefined)
  await client.connect()
  return client
}

/** The token for the API that `sallyport login` kept for a person. */
export function apiToken(boundary: Boundary, person: string): string {
  const profile = JSON.parse(
    readFileSync(join(boundary.home, '.sallyport', `${boundary.profile(person)}.json`), 'utf8'),
  ) as {
    api: { token: string }
  }
  return profile.api.token
}

/** Asks the API as a person who is logged in. */
export async function api<T>(boundary: Boundary, person: string, path: string): Promise<T> {
  const response = await fetch(`${boundary.url}/api/v1${path}`, {
    headers: { authorization: `Bearer ${apiToken(boundary, person)}` },
  })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}
