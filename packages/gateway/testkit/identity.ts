import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Secret } from '#base'
import { createIdentity, type IdentityOptions, type IdentityService } from '#identity'
import type { ControlStore, EventEntry, Log, TrailOutlet } from '#model'
import { openStore } from '#storage'
import { createSealer } from '#vault'
import { type Browser, createBrowser } from './browser.ts'
import type { IdpProcess } from './idp.ts'

const CLIENT_ID = 'sallyport-cli'
const REDIRECT_URI = 'http://127.0.0.1:53682/callback'

/** A clock that can be set ahead of the machine's. */
interface ShiftedClock {
  aheadMs: number
  nowMs(): number
  monotonicMs(): number
}

/** What the token endpoint answered. */
interface TokenAnswer {
  readonly status: number
  readonly access_token?: string
  readonly refresh_token?: string
  readonly expires_in?: number
  readonly error?: string
  readonly error_description?: string
}

/** Identity on a real port over a real store, with a trail in memory. */
export interface IdentityBench {
  /** The public URL. */
  readonly url: string
  /** Where it listens, whatever its public URL says. */
  readonly address: string
  readonly service: IdentityService
  readonly store: ControlStore
  readonly clock: ShiftedClock
  readonly events: EventEntry['event'][]
  readonly logged: string[]
  /** What the trail does when it is asked to record; it records when this returns. */
  onRecord: () => Promise<void>
  /** Logs somebody in with the authorization code flow, as `sallyport login` does. */
  logIn(person: string, browser?: Browser): Promise<TokenAnswer>
  /** As far as the code; the answer is the address that the command line would be called back on. */
  authorize(person: string, parameters?: Readonly<Record<string, string>>, browser?: Browser): Promise<URL>
  exchange(callback: URL, parameters?: Readonly<Record<string, string>>): Promise<TokenAnswer>
  refresh(refreshToken: string | undefined, resource?: string): Promise<TokenAnswer>
  post(path: string, form: Readonly<Record<string, string>>): Promise<TokenAnswer>
  stop(): Promise<void>
}

/** RFC 7636, appendix B. */
const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

/** Starts identity before an identity provider. */
export async function startIdentity(
  file: string,
  idp: Pick<IdpProcess, 'issuer'>,
  options: Partial<IdentityOptions> = {},
): Promise<IdentityBench> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const url = options.publicUrl ?? address
  const store = await openStore({ file })
  const bench = { onRecord: async () => {} }
  const events: EventEntry['event'][] = []
  const logged: string[] = []
  const clock = shiftedClock()
  const service = await createIdentity({
    publicUrl: url,
    resources: ['cards', 'ledger'],
    upstream: { issuer: idp.issuer, clientId: 'sallyport' },
    workloads: [{ name: 'ci-bot', issuer: idp.issuer, claims: { sub: 'ci-bot' }, groups: ['ci'] }],
    store: store.identity,
    keys: store.keys,
    sealer: createSealer(new Secret(new Uint8Array(32).fill(3))),
    clock,
    trail: memoryTrail(events, () => bench.onRecord()),
    log: memoryLog(logged),
    ...options,
  })
  server.on('request', service.handler)
  const stop = async (): Promise<void> => {
    service.close()
    await close(server)
    await store.close()
  }
  return Object.assign(bench, { url, address, service, store, clock, events, logged, stop, ...client(url) })
}

function client(url: string): Pick<IdentityBench, 'logIn' | 'authorize' | 'exchange' | 'refresh' | 'post'> {
  const post: IdentityBench['post'] = async (path, form) => {
    const body = new URLSearchParams({ client_id: CLIENT_ID, ...form })
    const response = await fetch(`${url}${path}`, { method: 'POST', body, headers: { accept: 'application/json' } })
    const text = await response.text()
    return { status: response.status, ...(text === '' ? {} : (JSON.parse(text) as object)) }
  }
  const authorize: IdentityBench['authorize'] = async (person, parameters = {}, browser = createBrowser()) => {
    const query = new URLSearchParams({
      client_id: CLIENT_ID,
      redirect_uri: REDIRECT_URI,
      response_type: 'code',
      scope: 'openid offline_access',
      prompt: 'consent',
      code_challenge: CHALLENGE,
      code_challenge_method: 'S256',
      state: 'the-state',
      ...parameters,
    })
    const until = ({ pathname }: URL): boolean => pathname === '/callback'
    const arrival = await browser.visit(`${url}/oauth/authorize?${query.toString()}`, { person, until })
    if (arrival.status !== 0) throw new Error(`the login ended at ${arrival.url.pathname}: ${arrival.body}`)
    return arrival.url
  }
  const exchange: IdentityBench['exchange'] = async (callback, parameters = {}) =>
    await post('/oauth/token', {
      grant_type: 'authorization_code',
      code: callback.searchParams.get('code') ?? '',
      redirect_uri: REDIRECT_URI,
      code_verifier: VERIFIER,
      ...parameters,
    })
  return {
    post,
    authorize,
    exchange,
    logIn: async (person, browser) => await exchange(await authorize(person, {}, browser)),
    refresh: async (refreshToken, resource) =>
      await post('/oauth/token', {
        grant_type: 'refresh_token',
        refresh_token: refreshToken ?? '',
        ...(resource === undefined ? {} : { resource: `${url}${resource}` }),
      }),
  }
}

function shiftedClock(): ShiftedClock {
  const clock: ShiftedClock = {
    aheadMs: 0,
    nowMs: () => Date.now() + clock.aheadMs + 0.5,
    monotonicMs: () => performance.now() + clock.aheadMs,
  }
  return clock
}

function memoryTrail(events: EventEntry['event'][], onRecord: () => Promise<void>): TrailOutlet {
  return {
    record: async (entries) => {
      await onRecord()
      for (const entry of entries) if (entry.kind === 'event') events.push(entry.event)
      return entries.map((_entry, index) => ({ sequence: events.length + index }))
    },
    conclude: () => undefined,
  }
}

function memoryLog(logged: string[]): Log {
  const note: Log['info'] = (event, facts) => {
    logged.push(JSON.stringify({ event, ...facts }))
  }
  return { info: note, warn: note, error: note }
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise<void>((resolve) => {
    server.close(() => {
      resolve()
    })
  })
}
