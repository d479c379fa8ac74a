import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { UnsecuredJWT } from 'jose'
import { Secret } from '#base'
import { type IdentityBench, startIdentity } from '../../testkit/identity.ts'
import { type RawIssuer, startRawIssuer } from '../../testkit/issuer.ts'

let issuer: RawIssuer
let bench: IdentityBench
let folder: string
before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'sallyport-federation-'))
  issuer = await startRawIssuer()
  const upstream = { issuer: issuer.issuer, clientId: 'sallyport', groupsClaim: 'roles', mfaAcr: ['strong'] }
  bench = await startIdentity(path.join(folder, 'control.db'), issuer, { upstream, workloads: [] })
})
beforeEach(() => {
  issuer.idTokenClaims = {}
  issuer.makeIdToken = undefined
  issuer.answer = {}
  issuer.status = 200
  bench.events.length = 0
})
after(async () => {
  await bench.stop()
  await issuer.stop()
  rmSync(folder, { recursive: true })
})

/** Logs in, and answers how that is on record. */
const outcome = async (): Promise<string> => {
  await bench.logIn('whoever').catch(() => undefined)
  const { activity, status, code, details } = bench.events[0] ?? {}
  const reason = details?.['reason']
  if (status === 'success') return `${activity} success`
  return `${activity} ${code}: ${typeof reason === 'string' ? reason : ''}`
}

const CHECKS = "login SP_AUTH_LOGIN_REFUSED: the identity provider's answer did not pass the checks"
const NOBODY = 'login SP_AUTH_NO_SUBJECT: the ID token has no stable subject'
const nowSeconds = (): number => Math.floor(Date.now() / 1000)

test('a good answer is a login, with the groups and the factors that the configuration knows', async () => {
  issuer.idTokenClaims = { roles: ['b', 'a'], groups: ['wrong'], acr: 'strong', name: 'Ann' }
  const { access_token: token } = await bench.logIn('whoever')
  const answer = await bench.service.verifyApi(new Secret(token ?? ''))
  assert.deepEqual(
    [answer.identity?.subject, answer.identity?.name, answer.identity?.groups, answer.identity?.mfa],
    ['subject-1', 'Ann', ['a', 'b'], true],
  )
})

test('a login without more than one factor is told from one with', async () => {
  issuer.idTokenClaims = { amr: ['pwd'] }
  const weak = await bench.logIn('whoever')
  issuer.idTokenClaims = { amr: ['pwd', 'hwk'] }
  const strong = await bench.logIn('whoever')
  const mfaOf = async ({ access_token: token }: { access_token?: string }): Promise<boolean | undefined> =>
    (await bench.service.verifyApi(new Secret(token ?? ''))).identity?.mfa
  assert.deepEqual([await mfaOf(weak), await mfaOf(strong)], [false, true])
})

test('groups are those of the latest login, for tokens of earlier ones too', async () => {
  issuer.idTokenClaims = { roles: ['leads'] }
  const early = await bench.logIn('whoever')
  issuer.idTokenClaims = { roles: [] }
  await bench.logIn('whoever')
  const answer = await bench.service.verifyApi(new Secret(early.access_token ?? ''))
  assert.deepEqual(answer.identity?.groups, [])
})

test('an ID token that names nobody is refused and recorded', async () => {
  for (const sub of [undefined, '', '  ', 5, null]) {
    bench.events.length = 0
    issuer.idTokenClaims = { sub }
    assert.equal(await outcome(), NOBODY, JSON.stringify(sub))
  }
  assert.deepEqual(
    (await bench.service.roster(100)).map(({ subject }) => subject),
    ['subject-1'],
  )
})

test('an ID token that is not for this login, or not good any more, is refused and recorded', async () => {
  const cases: readonly (readonly [string, RawIssuer['idTokenClaims']])[] = [
    ['another nonce', { nonce: 'another' }],
    ['no nonce', { nonce: undefined }],
    ['another audience', { aud: 'somebody-else' }],
    ['two audiences without azp', { aud: ['sallyport', 'other'] }],
    ['another issuer', { iss: 'https://evil.example' }],
    ['expired', { exp: nowSeconds() - 60 }],
    ['issued without a time', { iat: undefined }],
  ]
  for (const [what, claims] of cases) {
    bench.events.length = 0
    issuer.idTokenClaims = claims
    assert.equal(await outcome(), CHECKS, what)
  }
})

test('an ID token that is not signed by the issuer is refused and recorded', async () => {
  const forgeries: readonly (readonly [string, NonNullable<RawIssuer['makeIdToken']>])[] = [
    ['unsigned', async (claims) => new UnsecuredJWT(claims).encode()],
    ['another algorithm', async (claims) => await issuer.sign(claims, { alg: 'RS256' })],
    ['an unknown key', async (claims) => await issuer.sign(claims, { alg: 'ES256', kid: 'RS256' })],
    [
      'a changed signature',
      async (claims) => {
        const [header, payload, signature = ''] = (await issuer.sign(claims)).split('.')
        return `${header}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
      },
    ],
    ['none', async () => await Promise.resolve('')],
  ]
  for (const [what, makeIdToken] of forgeries) {
    bench.events.length = 0
    issuer.makeIdToken = makeIdToken
    assert.equal(await outcome(), CHECKS, what)
  }
})

test('an answer that states another issuer is refused: mix-up', async () => {
  issuer.answer = { iss: 'https://evil.example' }
  assert.equal(await outcome(), CHECKS)
})

test('groups that cannot be read are refused, not left out', async () => {
  issuer.idTokenClaims = { roles: [{ name: 'x' }] }
  assert.equal(
    await outcome(),
    'login SP_AUTH_LOGIN_REFUSED: the groups claim is not a list of text of a bearable size',
  )
})

test('an identity provider that fails in the middle makes the login unavailable or refused, and recorded', async () => {
  issuer.makeIdToken = async () => {
    issuer.status = 500
    return await Promise.reject(new Error('gone'))
  }
  assert.match(await outcome(), /^login SP_AUTH_(UNAVAILABLE|LOGIN_REFUSED): /)
})

test('an answer of the identity provider without end is not read to its end', async () => {
  issuer.makeIdToken = async () => await Promise.resolve('x'.repeat(3 << 20))
  assert.match(await outcome(), /^login SP_AUTH_LOGIN_REFUSED: /)
})

test('an identity provider that is away is asked once in five seconds whether it is back, however many want to know', async (t) => {
  let asked = 0
  const away = createServer((_request, response) => {
    asked += 1
    response.writeHead(503).end()
  })
  await new Promise<void>((resolve) => away.listen(0, '127.0.0.1', resolve))
  t.after(() => away.close())
  const upstream = { issuer: `http://127.0.0.1:${(away.address() as AddressInfo).port}`, clientId: 'sallyport' }
  const other = await startIdentity(path.join(folder, 'away.db'), upstream, { upstream, workloads: [] })
  t.after(other.stop)
  const ask = async (times: number): Promise<ReadonlySet<boolean>> =>
    new Set(await Promise.all(Array.from({ length: times }, () => other.service.upstreamReachable())))
  assert.deepEqual(await ask(20), new Set([false]))
  const once = asked
  assert.ok(once > 0)
  assert.deepEqual(await ask(20), new Set([false]))
  other.clock.aheadMs = 4000
  await ask(20)
  assert.equal(asked, once)
  other.clock.aheadMs = 6000
  await ask(20)
  assert.equal(asked, 2 * once)
})
