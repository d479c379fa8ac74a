import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatewayError } from '#model'
import type { IdentityOptions } from './options.ts'
import { isTrustworthy, readSettings } from './settings.ts'

const options = (more: Partial<IdentityOptions>): IdentityOptions =>
  ({
    publicUrl: 'https://gw.example',
    resources: ['cards'],
    upstream: { issuer: 'https://idp.example', clientId: 'sallyport' },
    workloads: [],
    ...more,
  }) as Partial<IdentityOptions> as IdentityOptions

const rule = { name: 'bot', issuer: 'https://ci.example', claims: { sub: 'x' } }

test('audiences are those of the API and of each resource', () => {
  const settings = readSettings(options({ publicUrl: 'https://gw.example:8443/', resources: ['cards', 'ledger'] }))
  assert.deepEqual(settings.audiences, [
    'https://gw.example:8443/api',
    'https://gw.example:8443/resource/cards',
    'https://gw.example:8443/resource/ledger',
  ])
  assert.deepEqual([settings.accessTokenSeconds, settings.loginSeconds, settings.idleLimitMs], [900, 28_800, 900_000])
})

test('what cannot be is refused with what is wrong', () => {
  const cases: readonly (readonly [Partial<IdentityOptions>, RegExp])[] = [
    [{ publicUrl: 'http://gw.example' }, /https, or http on loopback/],
    [{ publicUrl: 'gw.example' }, /https, or http on loopback/],
    [{ publicUrl: 'https://gw.example/sallyport' }, /without a path/],
    [{ publicUrl: 'https://user@gw.example' }, /without a path/],
    [{ upstream: { issuer: 'http://idp.example', clientId: 'x' } }, /identity.issuer/],
    [{ workloads: [{ ...rule, issuer: 'http://ci.example' }] }, /issuer of workload "bot"/],
    [{ workloads: [{ ...rule, jwksUri: 'http://ci.example/jwks' }] }, /jwksUri of workload "bot"/],
    [{ workloads: [{ ...rule, claims: {} }] }, /names no claims/],
    [{ workloads: [rule, rule] }, /two workloads/],
    [{ workloads: [{ ...rule, name: 'usr_aaaaaaaaaaaaaaaaaaaa' }] }, /cannot name a workload/],
    [{ resources: ['a/b'] }, /cannot name a resource/],
    [{ accessTokenSeconds: 0 }, /access token/],
    [{ loginSeconds: 1.5 }, /login/],
  ]
  for (const [more, message] of cases)
    assert.throws(
      () => readSettings(options(more)),
      (error) => error instanceof GatewayError && error.code === 'SP_CONFIG_INVALID' && message.test(error.message),
    )
})

test('http is trusted on loopback only', () => {
  const trusted = ['https://a.example', 'http://localhost:1', 'http://127.0.0.1', 'http://127.9.9.9', 'http://[::1]:2']
  const not = [
    'http://a.example',
    'http://127.0.0.1.example',
    'http://localhost.example',
    'ftp://localhost',
    'http://[::2]',
  ]
  assert.deepEqual(
    [...trusted, ...not].map((url) => isTrustworthy(new URL(url))),
    [...trusted.map(() => true), ...not.map(() => false)],
  )
})
