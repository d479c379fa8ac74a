import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { UpstreamProvider } from './options.ts'
import { personId, readPersonClaims } from './person.ts'

const ISSUER = 'https://idp.example'
const upstream: UpstreamProvider = { issuer: ISSUER, clientId: 'sallyport', mfaAcr: ['urn:acme:strong'] }

const read = (claims: Record<string, unknown>, more: Partial<UpstreamProvider> = {}): Record<string, unknown> => ({
  ...readPersonClaims({ sub: 's', ...claims }, ISSUER, { ...upstream, ...more }),
})

test("a person's id depends on issuer and subject, and on where one ends and the other begins", () => {
  // 100 bits of SHA-256 in RFC 4648 base32, worked out in another way than the code does.
  const bits = BigInt(`0x${createHash('sha256').update('https://idp.example\0alice').digest('hex')}`) >> 156n
  const digits = Array.from({ length: 20 }, (_, index) => Number((bits >> BigInt(95 - index * 5)) & 31n))
  assert.equal(
    personId(ISSUER, 'alice'),
    `usr_${digits.map((digit) => 'abcdefghijklmnopqrstuvwxyz234567'.charAt(digit)).join('')}`,
  )
  const ids = [personId('a', 'bc'), personId('ab', 'c'), personId('a', 'b'), personId('a', 'B')]
  assert.equal(new Set(ids).size, 4)
})

test('a token without a stable subject is nobody', () => {
  for (const sub of [undefined, null, '', '   ', 7, ['x'], 'x'.repeat(1025), '\ud800'])
    assert.equal(read({ sub })['code'], 'SP_AUTH_NO_SUBJECT', JSON.stringify(sub))
})

test('groups are sorted and single, from the claim that the configuration names', () => {
  assert.deepEqual(read({ groups: ['b', 'a', 'b'] })['groups'], ['a', 'b'])
  assert.deepEqual(read({ groups: 'only' })['groups'], ['only'])
  assert.deepEqual(read({})['groups'], [])
  assert.deepEqual(read({ groups: null })['groups'], [])
  assert.deepEqual(
    read({ groups: ['x'], 'https://acme.example/roles': ['y'] }, { groupsClaim: 'https://acme.example/roles' })[
      'groups'
    ],
    ['y'],
  )
})

test('groups that cannot be borne are no reason to leave some out: the login is refused', () => {
  for (const groups of [
    [1],
    [''],
    [null],
    {},
    5,
    ['x'.repeat(257)],
    Array.from({ length: 501 }, (_, index) => `g${index}`),
  ])
    assert.equal(read({ groups })['code'], 'SP_AUTH_LOGIN_REFUSED', JSON.stringify(groups).slice(0, 40))
})

test('more than one factor: said so, or of two kinds, or by a configured class', () => {
  const cases: readonly (readonly [Record<string, unknown>, boolean])[] = [
    [{ amr: ['pwd', 'otp'] }, true],
    [{ amr: ['mfa'] }, true],
    [{ amr: ['fpt', 'hwk'] }, true],
    [{ acr: 'urn:acme:strong' }, true],
    [{ amr: ['pwd'] }, false],
    [{ amr: ['pwd', 'pin'] }, false],
    [{ amr: ['otp', 'sms'] }, false],
    [{ amr: ['pwd', 'unheard-of'] }, false],
    [{ amr: 'mfa' }, false],
    [{ amr: [1, { mfa: true }] }, false],
    [{ acr: 'urn:acme:weak' }, false],
    [{}, false],
  ]
  for (const [claims, mfa] of cases) assert.equal(read(claims)['mfa'], mfa, JSON.stringify(claims))
})

test('names are shown, so they are one bounded line', () => {
  assert.equal(read({ name: 'A\n\u202eB\u0000' })['name'], 'A B')
  assert.equal(read({ name: 'x'.repeat(500) })['name'], 'x'.repeat(200))
  assert.equal(read({ preferred_username: 'alice' })['name'], 'alice')
  assert.equal(read({ name: 5, email: {} })['name'], undefined)
})
