import assert from 'node:assert/strict'
import { once } from 'node:events'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { startGateway } from './gateway.ts'
import { initialise } from './initialise.ts'

/** What `init` writes, its ports replaced. */
function boundaryFiles(t: TestContext, port: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-gateway-'))
  t.after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const [config = ''] = initialise(folder)
  const text = readFileSync(config, 'utf8')
  writeFileSync(config, text.replace('127.0.0.1:8080', `127.0.0.1:${port}`).replace('127.0.0.1:5432', '127.0.0.1:0'))
  return config
}

/** All that the trail has published of its records, as it lies on disk. */
function published(config: string): string {
  const data = join(dirname(config), 'data/trail/tile/entries')
  return globSync('**/*', { cwd: data, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    .join('\n')
}

test('the policy in force is on record before anybody can connect', async (t) => {
  const occupied = createServer().listen(0, '127.0.0.1')
  t.after(() => occupied.close())
  await once(occupied, 'listening')
  const address = occupied.address()
  assert.ok(address !== null && typeof address === 'object')
  const config = boundaryFiles(t, address.port)
  // The first port that it would listen on is taken: it comes that far and no further.
  await assert.rejects(startGateway(config, { environment: { SALLYPORT_OIDC_SECRET: 's' }, logLevel: 'silent' }), {
    message: /is taken by another process$/,
  })
  assert.match(published(config), /"activity_name":"Activate"|"entity":\{[^}]*"type":"policy"/i)
})
