import assert from 'node:assert/strict'
import { createHmac, createPublicKey, KeyObject } from 'node:crypto'
import { after, before, test } from 'node:test'
import { CompactSign, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { toUtf8 } from '#base'
import { type RawIssuer, startRawIssuer } from '../../testkit/issuer.ts'
import { isJwtShaped, type JobToken, JobTokens, type RefusedJobToken } from './job-tokens.ts'
import type { WorkloadRule } from './options.ts'

const PUBLIC_URL = 'https://gw.example'
const RESOURCE = 'https://gw.example/resource/cards'

let ci: RawIssuer
before(async () => {
  ci = await startRawIssuer()
})
after(async () => {
  await ci.stop()
})

const clock = {
  aheadMs: 0,
  nowMs: () => Date.now() + clock.aheadMs,
  monotonicMs: () => performance.now() + clock.aheadMs,
}
const nowSeconds = (): number => Math.floor(Date.now() / 1000)

const good = (more: JWTPayload = {}): JWTPayload => ({
  iss: ci.issuer,
  aud: PUBLIC_URL,
  sub: 'repo:acme/payments',
  iat: nowSeconds(),
  exp: nowSeconds() + 300,
  repository_id: '456789',
  environment: 'production',
  protected: true,
  ...more,
})

const rules = (...more: WorkloadRule[]): WorkloadRule[] => [
  { name: 'migrations', issuer: ci.issuer, claims: { repository_id: '456789', environment: 'production' } },
  ...more,
]

const check = async (token: string, given: readonly WorkloadRule[] = rules()): Promise<JobToken | RefusedJobToken> =>
  await new JobTokens(given, PUBLIC_URL, clock).check(token, RESOURCE)

const refusalOf = async (token: string, given?: readonly WorkloadRule[]): Promise<string> => {
  const checked = await check(token, given)
  return checked.kind === 'refused' ? `${checked.code}: ${checked.reason}` : 'accepted'
}

test('a token of each accepted algorithm is its workload', async () => {
  for (const alg of ['RS256', 'PS256', 'ES256', 'EdDSA']) {
    const claims = good()
    const checked = await check(await ci.sign(claims, { alg }))
    assert.deepEqual(checked, {
      kind: 'job',
      rule: rules()[0],
      subject: 'repo:acme/payments',
      issuedAtMs: (claims.iat ?? 0) * 1000,
      expiresAtMs: (claims.exp ?? 0) * 1000,
    })
  }
})

test('what is not fulfilled is refused, and said', async () => {
  const cases: readonly (readonly [string, JWTPayload, string])[] = [
    [
      'another issuer',
      { iss: 'https://evil.example' },
      "SP_AUTH_JOB_TOKEN_INVALID: the token's issuer is not one of the configured ones",
    ],
    [
      'an issuer with a slash more',
      { iss: `${ci.issuer}/` },
      "SP_AUTH_JOB_TOKEN_INVALID: the token's issuer is not one of the configured ones",
    ],
    ['another audience', { aud: 'https://other.example' }, 'SP_AUTH_JOB_TOKEN_INVALID: aud is not what it must be'],
    [
      'another resource',
      { aud: `${PUBLIC_URL}/resource/ledger` },
      'SP_AUTH_JOB_TOKEN_INVALID: aud is not what it must be',
    ],
    [
      'the audience in another case',
      { aud: 'https://GW.example' },
      'SP_AUTH_JOB_TOKEN_INVALID: aud is not what it must be',
    ],
    [
      'two audiences',
      { aud: [PUBLIC_URL, 'https://other.example'] },
      'SP_AUTH_JOB_TOKEN_INVALID: aud is not what it must be',
    ],
    ['no audience in the list', { aud: [] }, 'SP_AUTH_JOB_TOKEN_INVALID: aud is not what it must be'],
    [
      'an expired one',
      { exp: nowSeconds() - 31 },
      'SP_AUTH_TOKEN_EXPIRED: the job token has expired; ask for it right before use',
    ],
    ['one of the future', { nbf: nowSeconds() + 40 }, 'SP_AUTH_JOB_TOKEN_INVALID: nbf is not what it must be'],
    ['one issued in the future', { iat: nowSeconds() + 40 }, 'SP_AUTH_JOB_TOKEN_INVALID: iat lies in the future'],
    [
      'one for two days',
      { exp: nowSeconds() + 2 * 86_400 },
      'SP_AUTH_JOB_TOKEN_INVALID: the token is good for longer than a day',
    ],
    [
      'another repository',
      { repository_id: '456780' },
      "SP_AUTH_JOB_TOKEN_INVALID: the token's claims are not those of a configured workload",
    ],
    [
      'a claim of another type',
      { repository_id: 456789 },
      "SP_AUTH_JOB_TOKEN_INVALID: the token's claims are not those of a configured workload",
    ],
    [
      'a claim as a list',
      { environment: ['production'] },
      "SP_AUTH_JOB_TOKEN_INVALID: the token's claims are not those of a configured workload",
    ],
    ['an empty subject', { sub: '' }, 'SP_AUTH_NO_SUBJECT: the token has no stable subject'],
    ['a blank subject', { sub: '  ' }, 'SP_AUTH_NO_SUBJECT: the token has no stable subject'],
  ]
  for (const [what, claims, expected] of cases)
    assert.equal(await refusalOf(await ci.sign(good(claims))), expected, what)
})

test('claims that are missing are refused', async () => {
  const without = async (name: string): Promise<string> => {
    const claims = good()
    delete claims[name]
    return await refusalOf(await ci.sign(claims))
  }
  assert.equal(await without('sub'), 'SP_AUTH_NO_SUBJECT: the token has no stable subject')
  assert.equal(await without('iss'), "SP_AUTH_JOB_TOKEN_INVALID: the token's issuer is not one of the configured ones")
  for (const name of ['aud', 'exp', 'iat'])
    assert.equal(await without(name), `SP_AUTH_JOB_TOKEN_INVALID: ${name} is not what it must be`)
  assert.equal(
    await without('environment'),
    "SP_AUTH_JOB_TOKEN_INVALID: the token's claims are not those of a configured workload",
  )
})

test('clocks may differ by thirty seconds', async () => {
  for (const claims of [{ exp: nowSeconds() - 25 }, { nbf: nowSeconds() + 25 }, { iat: nowSeconds() + 25 }])
    assert.equal(await refusalOf(await ci.sign(good(claims))), 'accepted', JSON.stringify(claims))
})

test('a token for the resource itself, and one in a list of one, are for us', async () => {
  for (const aud of [RESOURCE, [PUBLIC_URL], [RESOURCE]])
    assert.equal(await refusalOf(await ci.sign(good({ aud }))), 'accepted', JSON.stringify(aud))
})

test('a configured audience takes the place of the public URL', async () => {
  const given = [{ name: 'm', issuer: ci.issuer, audience: 'sallyport', claims: { environment: 'production' } }]
  assert.equal(await refusalOf(await ci.sign(good({ aud: 'sallyport' })), given), 'accepted')
  assert.equal(await refusalOf(await ci.sign(good()), given), 'SP_AUTH_JOB_TOKEN_INVALID: aud is not what it must be')
})

test('a token that is two workloads is none', async () => {
  const second = { name: 'any-production', issuer: ci.issuer, claims: { environment: 'production', protected: true } }
  assert.equal(
    await refusalOf(await ci.sign(good()), rules(second)),
    "SP_AUTH_JOB_TOKEN_INVALID: the token's claims are those of more than one configured workload",
  )
  assert.equal(await refusalOf(await ci.sign(good({ protected: 1 })), rules(second)), 'accepted')
})

test('a claim that every object has is not there', async () => {
  const given = [{ name: 'm', issuer: ci.issuer, claims: { toString: 'x' } }]
  assert.match(await refusalOf(await ci.sign(good()), given), /not those of a configured workload/)
})

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

test('algorithms that sign nothing, or with what is public, are refused', async () => {
  const none = `${encode({ alg: 'none' })}.${encode(good())}.`
  assert.equal(await refusalOf(none), "SP_AUTH_JOB_TOKEN_INVALID: the token's algorithm is not accepted")
  const rsa = ci.keys['RS256']
  assert.ok(rsa)
  const pem = createPublicKey(KeyObject.from(rsa)).export({ type: 'spki', format: 'pem' })
  const input = `${encode({ alg: 'HS256', kid: 'RS256' })}.${encode(good())}`
  const mac = createHmac('sha256', pem).update(input).digest('base64url')
  assert.equal(await refusalOf(`${input}.${mac}`), "SP_AUTH_JOB_TOKEN_INVALID: the token's algorithm is not accepted")
  const other = await ci.sign(good(), { alg: 'ES384' })
  assert.equal(await refusalOf(other), "SP_AUTH_JOB_TOKEN_INVALID: the token's algorithm is not accepted")
})

test('another key, another key id, a key brought along, and a changed payload are refused', async () => {
  const { privateKey } = await generateKeyPair('ES256')
  const foreign = new SignJWT(good()).setProtectedHeader({ alg: 'ES256', kid: 'ES256' })
  assert.equal(
    await refusalOf(await foreign.sign(privateKey)),
    "SP_AUTH_JOB_TOKEN_INVALID: the token's signature is not good",
  )
  assert.equal(
    await refusalOf(await ci.sign(good(), { alg: 'ES256', kid: 'new' })),
    "SP_AUTH_JOB_TOKEN_INVALID: the token's issuer has no such key",
  )
  const [header = '', , signature = ''] = (await ci.sign(good())).split('.')
  const changed = `${header}.${encode(good({ repository_id: '1' }))}.${signature}`
  assert.equal(await refusalOf(changed), "SP_AUTH_JOB_TOKEN_INVALID: the token's signature is not good")
  const withKey = new SignJWT(good()).setProtectedHeader({
    alg: 'ES256',
    jku: 'https://evil.example/jwks',
    kid: 'ES256',
  })
  assert.equal(
    await refusalOf(await withKey.sign(privateKey)),
    "SP_AUTH_JOB_TOKEN_INVALID: the token's signature is not good",
  )
})

test('what is no token, or too long a one, is refused', async () => {
  for (const text of ['a.b.c', '..', `${encode({})}.${encode({})}.`, `${encode({ alg: 'ES256' })}.${encode([])}.x`])
    assert.equal(
      await refusalOf(text),
      "SP_AUTH_JOB_TOKEN_INVALID: the token's issuer is not one of the configured ones",
      text,
    )
  assert.equal(await refusalOf(`a.${'b'.repeat(8191)}.c`), 'SP_AUTH_JOB_TOKEN_INVALID: the token is too long')
  const key = ci.keys['ES256']
  assert.ok(key)
  const header = { alg: 'ES256', kid: 'ES256', crit: ['x'], x: 1 }
  const extended = new CompactSign(toUtf8(JSON.stringify(good()))).setProtectedHeader(header)
  assert.equal(
    await refusalOf(await extended.sign(key, { crit: { x: true } })),
    'SP_AUTH_JOB_TOKEN_INVALID: the token is not well-formed',
  )
})

test('keys are fetched once for many tokens, and again for an unknown key at most every half minute', async () => {
  const tokens = new JobTokens(rules(), PUBLIC_URL, clock)
  const before = ci.keyFetches
  for (let count = 0; count < 5; count++) await tokens.check(await ci.sign(good()), RESOURCE)
  for (let count = 0; count < 5; count++)
    await tokens.check(await ci.sign(good(), { alg: 'ES256', kid: `k${count}` }), RESOURCE)
  assert.equal(ci.keyFetches - before, 1)
})

test('an issuer that does not answer makes it unavailable, for some seconds without asking, and then works again', async () => {
  const tokens = new JobTokens(rules(), PUBLIC_URL, clock)
  const token = await ci.sign(good())
  const outcome = async (): Promise<string> => {
    const checked = await tokens.check(token, RESOURCE)
    return checked.kind === 'refused' ? checked.code : 'accepted'
  }
  ci.status = 503
  assert.equal(await outcome(), 'SP_AUTH_UNAVAILABLE')
  ci.status = 200
  const before = ci.keyFetches
  assert.equal(await outcome(), 'SP_AUTH_UNAVAILABLE')
  assert.equal(ci.keyFetches, before)
  clock.aheadMs = 6000
  assert.equal(await outcome(), 'accepted')
  clock.aheadMs = 0
})

test('what was accepted is not checked again for a minute: the same token, for the same audience, until it ends', async () => {
  const tokens = new JobTokens(rules(), PUBLIC_URL, clock)
  const text = await ci.sign(good({ aud: PUBLIC_URL, exp: nowSeconds() + 90 }))
  let last = await tokens.check(text, RESOURCE)
  assert.equal(last.kind, 'job')
  const isKept = async (aheadMs: number, token = text, audience = RESOURCE): Promise<boolean> => {
    clock.aheadMs = aheadMs
    const again = await tokens.check(token, audience)
    clock.aheadMs = 0
    const isSame = again === last
    if (token === text && audience === RESOURCE) last = again
    return isSame
  }
  assert.equal(await isKept(55_000), true)
  assert.equal(await isKept(0, text, 'https://gw.example/resource/other'), false)
  assert.equal(await isKept(0, `${text}A`), false)
  assert.equal(await isKept(-5000), false, 'the clock was set back')
  assert.equal(await isKept(61_000), false, 'a minute is over')
  const short = await ci.sign(good({ exp: nowSeconds() + 10 }))
  assert.equal((await tokens.check(short, RESOURCE)).kind, 'job')
  clock.aheadMs = 41_000
  const late = await tokens.check(short, RESOURCE)
  clock.aheadMs = 0
  assert.equal(late.kind === 'refused' && late.code, 'SP_AUTH_TOKEN_EXPIRED')
})

test('metadata of another issuer, and keys in the clear elsewhere, are not trusted', async () => {
  const elsewhere = [{ name: 'm', issuer: ci.issuer.replace('127.0.0.1', 'localhost'), claims: { sub: 'x' } }]
  const token = await ci.sign(good({ iss: elsewhere[0]?.issuer ?? '', sub: 'x' }))
  assert.equal(await refusalOf(token, elsewhere), "SP_AUTH_UNAVAILABLE: the issuer's keys cannot be had just now")
})

test('keys at a configured address need no metadata', async () => {
  const given = [
    { name: 'm', issuer: 'https://ci.example', jwksUri: `${ci.issuer}/jwks`, claims: { environment: 'production' } },
  ]
  assert.equal(await refusalOf(await ci.sign(good({ iss: 'https://ci.example' })), given), 'accepted')
})

test('three parts make a token of that kind', () => {
  assert.deepEqual(['a.b.c', 'a.b', 'a', 'a.b.c.d', '..'].map(isJwtShaped), [true, false, false, false, true])
})
