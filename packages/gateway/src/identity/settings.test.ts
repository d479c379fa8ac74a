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

test('audiences are those of the API, of each resource, and of the endpoint of each MCP server', () => {
  const url = 'https://gw.example:8443'
  const settings = readSettings(
    options({ publicUrl: `${url}/`, resources: ['cards', 'ledger'], mcpServers: ['ledger-mcp'] }),
  )
  const { api, indicators, mcp, nameOf } = settings.audiences
  assert.equal(api, `${url}/api`)
  assert.deepEqual(
    [...indicators],
    [
      [`${url}/api`, `${url}/api`],
      [`${url}/resource/cards`, `${url}/resource/cards`],
      [`${url}/resource/ledger`, `${url}/resource/ledger`],
      [`${url}/mcp/ledger-mcp`, `${url}/mcp/ledger-mcp`],
      [`${url}/resource/ledger-mcp`, `${url}/mcp/ledger-mcp`],
    ],
  )
  assert.deepEqual([...mcp], [[`${url}/mcp/ledger-mcp`, 'ledger-mcp']])
  assert.deepEqual([`${url}/mcp/ledger-mcp`, `${url}/resource/cards`, api].map(nameOf), [
    'ledger-mcp',
    'cards',
    undefined,
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
    [
      { workloads: [rule, { ...rule, name: 'other', jwksUri: 'https://ci.example/jwks' }] },
      /the same jwksUri, or none/,
    ],
    [{ resources: ['a/b'] }, /cannot name a resource/],
    [{ mcpServers: ['a/b'] }, /cannot name a resource/],
    [{ mcpServers: ['cards'] }, /two resources are called "cards"/],
    [{ mcpServers: ['x', 'x'] }, /two resources are called "x"/],
    [{ accessTokenSeconds: 0 }, /access token/],
    [{ loginSeconds: 1.5 }, /login/],
  ]
  for (const [more, message] of cases)
    assert.throws(
      () => readSettings(options(more)),
      (error) => error instanceof GatewayError && error.code === 'SP_CONFIG_INVALID' && message.test(error.message),
    )
})

test('workloads of one issuer may share a place of keys, and those of two may differ', () => {
  const jwksUri = 'https://ci.example/jwks'
  const workloads = [
    { ...rule, jwksUri },
    { ...rule, name: 'second', jwksUri },
    { ...rule, name: 'third', issuer: 'https://other.example', jwksUri: 'https://other.example/keys' },
    { ...rule, name: 'fourth', issuer: 'https://third.example' },
  ]
  assert.equal(readSettings(options({ workloads })).workloads.length, 4)
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
