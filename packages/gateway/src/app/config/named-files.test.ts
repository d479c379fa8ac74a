import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { createTestTls } from '../../../testkit/certificate.ts'
import { startGateway } from '../gateway.ts'
import { initialise } from '../initialise.ts'
import { validate } from '../offline.ts'

test('what a configuration names is looked at where it is named, by validate as by up', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-named-'))
  t.after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const [config = ''] = initialise(folder)
  const text = readFileSync(config, 'utf8')
    .replace('tls: { mode: verify-full }', 'tls: { mode: verify-full, caFile: tls/db-ca.pem }')
    .replace('  # tls: {', '  tls: {')
  writeFileSync(config, text)
  const at = (words: string): string => `${config}:${text.slice(0, text.indexOf(words)).split('\n').length}:`
  const found = (): readonly string[] => validate(config).map((line) => line.replace(/:\d+: /, ': '))
  const write = (name: string, content: string): void => {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
  assert.deepEqual(found(), [
    `${at('  tls: { cert')} listen.tls.cert: there is no ${join(folder, 'tls/cert.pem')}`,
    `${at('  tls: { cert')} listen.tls.key: there is no ${join(folder, 'tls/key.pem')}`,
    `${at('caFile')} resources.0.postgres.tls.caFile: there is no ${join(folder, 'tls/db-ca.pem')}`,
  ])
  const options = { environment: { SALLYPORT_OIDC_SECRET: 's' }, logLevel: 'silent' } as const
  await assert.rejects(startGateway(config, options), {
    code: 'SP_CONFIG_INVALID',
    message: validate(config).join('\n'),
  })

  const [own, other] = [createTestTls(), createTestTls()]
  write('tls/cert.pem', own.cert)
  write('tls/key.pem', other.key)
  write('tls/db-ca.pem', 'no certificate')
  const [pair = '', authority = ''] = found()
  assert.ok(pair.startsWith(`${at('  tls: { cert')} listen.tls: they are no certificate and its key: `), pair)
  assert.equal(authority, `${at('caFile')} resources.0.postgres.tls.caFile: it holds no certificate`)

  write('tls/key.pem', own.key)
  write('tls/db-ca.pem', own.ca)
  assert.deepEqual(found(), [])
  const pins = join(folder, 'policy/ledger.tools.json')
  mkdirSync(pins)
  const server = '  - { name: ledger, mcp: { command: [node, server.js], code: [ledger] } }'
  writeFileSync(config, text.replace('masking:', `${server}\nmasking:`))
  assert.deepEqual(validate(config), [`${pins}:1:1: ${pins} cannot be read: EISDIR`])
  writeFileSync(config, text)
  rmSync(join(folder, 'policy'), { recursive: true })
  assert.deepEqual(found(), [`${at('policy: policy')} policy: there is no folder ${join(folder, 'policy')}`])
})
