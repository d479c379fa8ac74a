import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startPostgres, type TestPostgres } from '../packages/gateway/testkit/postgres.ts'
import { type PsqlClient, psqlClients } from './psql.ts'

let server: TestPostgres
let clients: readonly PsqlClient[]
const caFile = join(tmpdir(), `sallyport-psql-ca-${process.pid}.pem`)

before(async () => {
  clients = await psqlClients()
  server = await startPostgres({
    tls: true,
    sql: `create table cities (name text); insert into cities values ('Köln')`,
  })
  writeFileSync(caFile, server.ca ?? '')
})

after(async () => {
  rmSync(caFile, { force: true })
  await server.stop()
})

/** libpq's variables for the server, its certificate and name verified. */
function toServer(): Record<string, string> {
  const { host, port, user, password, database } = server
  return {
    ...{ PGHOST: host, PGPORT: String(port), PGUSER: user, PGPASSWORD: password, PGDATABASE: database },
    ...{ PGSSLMODE: 'verify-full', PGSSLROOTCERT: caFile },
  }
}

test('both majors are there', () => {
  assert.deepEqual(
    clients.map(({ version }) => version.split('.')[0]),
    ['15', '18'],
  )
})

test('each reads, over TLS with the name verified, by argument and by script', async () => {
  for (const { version, run } of clients) {
    const asked = await run(['-At', '-c', 'select name from cities'], { env: toServer() })
    assert.deepEqual(asked, { code: 0, stdout: 'Köln\n', stderr: '' }, version)
    const input = '\\set ON_ERROR_STOP on\nselect 1 as one;\nselect wrong;\nselect 2;\n'
    const script = await run(['-At'], { env: toServer(), input })
    assert.equal(script.code, 3, version)
    assert.equal(script.stdout, '1\n', version)
    assert.match(script.stderr, /column "wrong" does not exist/, version)
  }
})

test('each says what it was told by a server that refuses', async () => {
  for (const { version, run } of clients) {
    const { code, stderr } = await run(['-c', 'select 1'], { env: { ...toServer(), PGPASSWORD: 'another' } })
    assert.equal(code, 2, version)
    assert.match(stderr, /password authentication failed/, version)
  }
})
