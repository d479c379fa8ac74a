import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type Gateway, startGateway } from './gateway.ts'
import { initialise } from './initialise.ts'
import { sealSecretOffline, validate } from './offline.ts'

const SERVER = `  - name: ledger
    mcp:
      command: [node, server.js]
      code: [ledger]
      environment: { MODE: quiet, KEY: { from: vault:ledger-key }, TOKEN: { from: file:ledger.token }, USER: { from: env:LEDGER_USER } }
`

/** A boundary with a secret of each kind, and where its file has some words. */
async function boundary(t: TestContext): Promise<{ config: string; folder: string; at: (words: string) => string }> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-secrets-'))
  t.after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const [config = ''] = initialise(folder)
  const text = readFileSync(config, 'utf8')
    .replace('127.0.0.1:8080', `127.0.0.1:${await freePort()}`)
    .replace('127.0.0.1:5432', '127.0.0.1:0')
    .replace('masking:', `${SERVER}masking:`)
  writeFileSync(config, text)
  const at = (words: string): string => {
    const before = text.slice(0, text.indexOf(words)).split('\n')
    return `${config}:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`
  }
  return { config, folder, at }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  server.close()
  await once(server, 'close')
  return address.port
}

test('a variable that is not set is never there while it runs: it does not start, and says all of them', async (t) => {
  const { config, at } = await boundary(t)
  assert.deepEqual(validate(config), [], 'it is for another machine, too')
  const environment = { SALLYPORT_OIDC_SECRET: '' }
  await assert.rejects(startGateway(config, { environment, logLevel: 'silent' }), {
    code: 'SP_VAULT_SECRET_MISSING',
    message: [
      `${at('clientSecret')}: identity.oidc.clientSecret: the environment has no SALLYPORT_OIDC_SECRET: set it and start again`,
      `${at('USER')}: resources.1.mcp.environment.USER: the environment has no LEDGER_USER: set it and start again`,
    ].join('\n'),
  })
})

test('a secret that may come while it runs is named at the start, until it is there', async (t) => {
  const { config, folder, at } = await boundary(t)
  const environment = { SALLYPORT_OIDC_SECRET: 's', LEDGER_USER: 'ledger' }
  const missing = async (): Promise<readonly string[]> => {
    const gateway: Gateway = await startGateway(config, { environment, logLevel: 'silent' })
    await gateway.stop()
    return gateway.missing()
  }
  const ledgerKey = `${at('KEY')}: resources.1.mcp.environment.KEY: the vault has no ledger-key: run: sallyport secret set ledger-key (stopped: seal ledger-key)`
  assert.deepEqual(await missing(), [
    `${at('password')}: resources.0.postgres.password: the vault has no shop: run: sallyport secret set shop (stopped: seal shop)`,
    ledgerKey,
    `${at('TOKEN')}: resources.1.mcp.environment.TOKEN: there is no ${join(folder, 'ledger.token')}: write it; it is read at each use`,
  ])
  await sealSecretOffline(config, environment, 'shop', 'a password')
  writeFileSync(join(folder, 'ledger.token'), 'a token')
  assert.deepEqual(await missing(), [ledgerKey])
})
