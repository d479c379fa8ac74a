/** What a person is asked before an application acts in their name. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { type Applications, applicationsOf, REDIRECT_URI } from '../../testkit/applications.ts'
import { type IdentityBench, startIdentity } from '../../testkit/identity.ts'
import { type IdpProcess, startIdp } from '../../testkit/idp.ts'

let idp: IdpProcess
let bench: IdentityBench
let applications: Applications
let folder: string
before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'sallyport-consent-'))
  idp = await startIdp()
  bench = await startIdentity(path.join(folder, 'control.db'), idp, { mcpServers: ['ledger-mcp', 'other-mcp'] })
  applications = applicationsOf(bench)
})
beforeEach(() => {
  bench.clock.aheadMs = 0
  bench.onRecord = async () => {}
  bench.events.length = 0
  bench.logged.length = 0
})
after(async () => {
  await bench.stop()
  await idp.stop()
  rmSync(folder, { recursive: true })
})

test('the page that asks says who, what for and where to, in its own words and without a Yes that lies ready', async () => {
  const clientId = await applications.create({ client_name: '<b>Sallyport</b>\u202e says: go on' })
  const pages: { readonly body: string; readonly headers: Headers }[] = []
  const onResponse = (url: URL, response: Response): void => {
    if (url.pathname.startsWith('/oauth/interaction/')) pages.push({ body: '', headers: response.headers })
  }
  const { body, url } = await applications.visit(
    { client_id: clientId },
    { person: 'nobody', consent: 'no', until: isAnswer, onResponse },
  )
  assert.equal(body, '')
  assert.match(url.pathname, /\/answer$/)
  const [asked] = pages
  assert.match(asked?.headers.get('content-security-policy') ?? '', /frame-ancestors 'none'/)
  assert.equal(asked?.headers.get('x-frame-options'), 'DENY')
  const shown = await askPage(clientId)
  assert.match(shown, /calls itself “&lt;b&gt;Sallyport&lt;\/b&gt; says: go on”/)
  assert.match(shown, /MCP server ledger-mcp as you\. Nobody has checked that name\./)
  assert.match(shown, /a program on this computer \(127\.0\.0\.1:53682\)/)
  assert.match(shown, new RegExp(`${clientId} · ${bench.url}/mcp/ledger-mcp`))
  assert.doesNotMatch(shown, /autofocus|<script/)
  const remote = await applications.create({ redirect_uris: ['https://evil.example/callback'] })
  assert.match(
    await askPage(remote, 'https://evil.example/callback'),
    /does not give its name[\s\S]*goes to evil\.example, which is not this computer/,
  )
})

const isAnswer = ({ pathname }: URL): boolean => pathname.endsWith('/answer')

/** The page that asks, as somebody sees it who has not answered yet. */
async function askPage(clientId: string, redirectUri = REDIRECT_URI): Promise<string> {
  const { body } = await applications.visit({ client_id: clientId, redirect_uri: redirectUri }, { consent: 'none' })
  return body
}

test('a No is told to the application and recorded, and nobody is logged in', async () => {
  const clientId = await applications.create()
  bench.events.length = 0
  const { url } = await applications.visit({ client_id: clientId, state: 'x' }, { consent: 'no' })
  assert.deepEqual(
    ['error', 'error_description', 'iss', 'state', 'code'].map((name) => url.searchParams.get(name)),
    ['access_denied', 'the person did not agree', bench.url, 'x', null],
  )
  assert.deepEqual(
    bench.events.map(({ activity, status, code, details }) => [activity, status, code, details]),
    [['login', 'failure', 'SP_AUTH_LOGIN_REFUSED', { reason: 'the person did not agree', client: clientId }]],
  )
})

/** Errors before anybody was asked: of the request, of the resource, of a login that may not show itself. */
const faults: readonly Readonly<Record<string, string>>[] = [
  { response_type: 'token' },
  { code_challenge_method: 'plain' },
  { resource: 'https://none.example/mcp/x' },
  { prompt: 'none' },
  { prompt: 'none', response_mode: 'form_post' },
]

test('no error leads to another computer by itself, whatever is wrong with the request', async () => {
  const redirects = { remote: 'https://evil.example/callback', own: REDIRECT_URI, app: 'com.example.app:/callback' }
  const clientId = await applications.create({ redirect_uris: Object.values(redirects) })
  const ask = async (redirectUri: string, fault: Readonly<Record<string, string>>): Promise<Response> =>
    await fetch(applications.address({ client_id: clientId, redirect_uri: redirectUri, ...fault }), {
      redirect: 'manual',
    })
  for (const fault of faults) {
    const response = await ask(redirects.remote, fault)
    const page = await response.text()
    assert.deepEqual([response.status, response.headers.get('location')], [400, null], JSON.stringify(fault))
    assert.match(page, /That did not work/)
    assert.doesNotMatch(page, /evil\.example/)
  }
  for (const redirectUri of [redirects.own, redirects.app]) {
    const location = (await ask(redirectUri, { prompt: 'none' })).headers.get('location') ?? ''
    assert.ok(location.startsWith(redirectUri) && location.includes('error=login_required'), location)
  }
})

test('a No leads to no other computer, a Yes does', async () => {
  const redirectUri = 'https://app.example/callback'
  const clientId = await applications.create({ redirect_uris: [redirectUri] })
  const until = ({ host }: URL): boolean => host === 'app.example'
  const no = await applications.visit({ client_id: clientId, redirect_uri: redirectUri }, { consent: 'no', until })
  assert.deepEqual([no.status, no.url.origin], [400, bench.url])
  assert.match(no.body, /You said no[\s\S]*gets nothing, and has not been told/)
  assert.equal(bench.events.at(-1)?.code, 'SP_AUTH_LOGIN_REFUSED')
  const yes = await applications.visit({ client_id: clientId, redirect_uri: redirectUri }, { until })
  assert.equal(yes.url.searchParams.has('code'), true)
})

test('a Yes that did not come from the page, or from another browser, is none', async () => {
  const clientId = await applications.create()
  const until = ({ port }: URL): boolean => port === '53682'
  const cookies: string[] = []
  let page: URL | undefined
  const onResponse = (url: URL, response: Response): void => {
    if (url.pathname.startsWith('/oauth/interaction/')) page = url
    for (const cookie of response.headers.getSetCookie()) cookies.push(cookie.split(';')[0] ?? '')
  }
  const { body } = await applications.visit({ client_id: clientId }, { consent: 'none', until, onResponse })
  const proof = /name="proof" value="([^"]+)"/.exec(body)?.[1] ?? ''
  const send = async (form: Record<string, string>, headers: Record<string, string>): Promise<Response> =>
    await fetch(`${page?.href}/answer`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams(form),
      headers,
    })
  const cookie = cookies.join('; ')
  for (const [form, headers] of [
    [{ answer: 'yes' }, { cookie }],
    [{ answer: 'yes', proof: 'x'.repeat(64) }, { cookie }],
    [
      { answer: 'yes', proof },
      { cookie, 'sec-fetch-site': 'cross-site' },
    ],
    [
      { answer: 'yes', proof },
      { cookie, 'sec-fetch-site': 'same-site' },
    ],
    [{ answer: 'yes', proof }, {}],
    [{ answer: 'yes', proof, filling: 'x'.repeat(2000) }, { cookie }],
  ] as const)
    assert.equal((await send(form, headers)).status, 403, JSON.stringify([form, headers]))
  // The way to the identity provider is not open without the Yes.
  assert.equal(
    (await fetch(`${page?.href}/finish?code=x&state=${'x'.repeat(43)}`, { headers: { cookie } })).status,
    403,
  )
  assert.equal((await fetch(`${page?.href}/answer`, { headers: { cookie } })).status, 405)
  const yes = await send({ answer: 'yes', proof }, { cookie, 'sec-fetch-site': 'same-origin' })
  assert.equal(yes.status, 303)
  assert.equal(yes.headers.get('location')?.startsWith(idp.issuer), true)
})

test('there is an end to the steps of logins from one address', async (t) => {
  const few = await startIdentity(path.join(folder, 'few.db'), idp, { mcpServers: ['ledger-mcp'] })
  t.after(few.stop)
  const statuses: number[] = []
  for (let count = 0; count < 481; count++)
    statuses.push((await fetch(`${few.url}/oauth/interaction/${'x'.repeat(43)}/answer`, { method: 'POST' })).status)
  assert.deepEqual([statuses.indexOf(429), new Set(statuses.slice(0, 480))], [480, new Set([403])])
})

test('an address has one spelling, so that whatever is counted by it is counted', async () => {
  for (const pathname of ['/oauth/authorize', '/oauth/device', '/device', '/oauth/token', '/oauth/jwks'])
    for (const spelling of [pathname.replace(/[a-z]+$/, (word) => word.toUpperCase()), `${pathname}/`])
      for (const method of ['GET', 'POST'])
        assert.equal((await fetch(`${bench.url}${spelling}`, { method, redirect: 'manual' })).status, 404, spelling)
})
