import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Bytes, Secret } from '#base'
import { GatewayError, type KeyStore } from '#model'
import { createSealer } from '#vault'
import { openOwnKeys, type OwnKeys } from './own-keys.ts'

const keyStore = (): KeyStore & { readonly kept: Map<string, Bytes> } => {
  const kept = new Map<string, Bytes>()
  return {
    kept,
    find: async (name) => await Promise.resolve(kept.get(name)),
    create: async (name, sealed) => {
      if (!kept.has(name)) kept.set(name, sealed)
      return await Promise.resolve(kept.get(name) ?? sealed)
    },
  }
}
const open = async (keys: KeyStore, fill = 1): Promise<OwnKeys> =>
  await openOwnKeys(keys, createSealer(new Secret(new Uint8Array(32).fill(fill))), 1)

test('the keys are made once and are the same afterwards, for two that start at once too', async () => {
  const keys = keyStore()
  const [first, second] = await Promise.all([open(keys), open(keys)])
  const third = await open(keys)
  const digests = [first, second, third].map((own) => own.digests.digest('AccessToken', 'token'))
  assert.equal(new Set(digests).size, 1)
  assert.deepEqual(third.signingKey, first.signingKey)
  assert.equal(third.cookieKey, first.cookieKey)
  assert.notEqual((await open(keyStore())).digests.digest('AccessToken', 'token'), digests[0])
})

test('the keys of another master key do not open', async () => {
  const keys = keyStore()
  await open(keys)
  await assert.rejects(open(keys, 2), (error) => error instanceof GatewayError && error.code === 'SP_VAULT_SEAL_BROKEN')
})

test('a digest depends on the kind and the id', async () => {
  const { digests } = await open(keyStore())
  const all = [digests.digest('A', 'bc'), digests.digest('Ab', 'c'), digests.digest('A', 'bd')]
  assert.equal(new Set(all).size, 3)
  for (const digest of all) assert.match(digest, /^[0-9a-f]{64}$/)
  assert.equal(digests.tokenName(all[0] ?? ''), `tok_${all[0]?.slice(0, 16)}`)
  assert.match(digests.grantName('x'), /^grt_[0-9a-f]{16}$/)
})

test('a handle stands for its digest, in its own kind only, and cannot be made from a digest alone', async () => {
  const { digests } = await open(keyStore())
  const digest = digests.digest('DeviceCode', 'code')
  const handle = digests.handleOf('DeviceCode', digest)
  assert.equal(digests.digest('DeviceCode', handle), digest)
  assert.notEqual(digests.digest('AccessToken', handle), digest)
  const forgeries = [`~${digest}.`, `~${digest}.${'A'.repeat(43)}`, `${handle}A`, handle.slice(0, -1), `~${digest}`]
  for (const forged of forgeries) assert.notEqual(digests.digest('DeviceCode', forged), digest)
})
