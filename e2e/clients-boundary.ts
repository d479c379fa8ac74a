import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Boundary, startBoundary } from '../demo/boundary.ts'
import { demoSql, SERVICE_USER } from '../demo/data.ts'
import { login, tokenOf } from '../demo/people.ts'
import { createTestTls } from '../packages/gateway/testkit/certificate.ts'
import { testPlan } from './plan.ts'

/** A boundary for unmodified clients: TLS in front, two resources, alice logged in. */
export interface ClientsBoundary extends AsyncDisposable {
  readonly boundary: Boundary
  /** The authority that vouches for the listener: a PEM file, and its text. */
  readonly caFile: string
  readonly ca: string
  /** alice's token for `cards`. */
  readonly token: string
  /** Another of hers, whose time is over. */
  readonly expiredToken: string
}

/** Support's own table besides the demo's: written to, with values of many types, and a trigger that says something. */
const VISITS = [
  'create table visits (id int generated always as identity primary key, note text unique, tags text[], doc jsonb, at timestamptz, big text)',
  `create function greet() returns trigger language plpgsql as 'begin raise notice ''noted %'', new.note; return new; end'`,
  'create trigger greet before insert on visits for each row execute function greet()',
  `alter table visits owner to ${SERVICE_USER}`,
]

const POLICY = `@id("e2e-visits") @need("a test") @owner("tests") @reviewed("a test")
permit (principal is Person in Group::"support", action in [Action::"select", Action::"insert", Action::"update"],
  resource == Table::"cards/public/visits");
`

const POLICY_OF_OTHER = `@id("e2e-other") @need("a test") @owner("tests")
permit (principal is Person in Group::"support", action in Action::"connect", resource == Database::"other");
`

/**
 * Starts it. People log in while the gateway listens in plain, since the development identity provider knows no https addresses of it; then it
 * starts again on the same folder with TLS and with a second resource, so that a database can be an unknown one.
 */
export async function startClientsBoundary(): Promise<ClientsBoundary> {
  const plan = testPlan({ sql: [], tables: ['public.visits'], policy: POLICY })
  const boundary = await startBoundary({
    ...plan,
    sql: (password) => [demoSql(password), ...VISITS].join('; '),
    panColumns: ['public.customers.pan'],
  })
  try {
    await login(boundary, 'alice')
    const token = await tokenOf(boundary, 'alice')
    const expiredToken = await tokenOf(boundary, 'alice')
    await boundary.gateway().stop()
    expireNewestToken(boundary)
    const { ca, cert, key } = createTestTls()
    const write = (name: string, text: string): string => {
      writeFileSync(join(boundary.folder, name), text, { mode: 0o600 })
      return join(boundary.folder, name)
    }
    write('server.crt', cert)
    write('server.key', key)
    write('policy/plan.cedar', POLICY + POLICY_OF_OTHER)
    changeConfiguration(boundary)
    await boundary.startGateway()
    return {
      boundary,
      ca,
      caFile: write('ca.crt', ca),
      token,
      expiredToken,
      [Symbol.asyncDispose]: () => boundary.stop(false),
    }
  } catch (error) {
    await boundary.stop(false)
    throw error
  }
}

function changeConfiguration(boundary: Boundary): void {
  const text = readFileSync(boundary.config, 'utf8')
  const block = /^ {2}- name: cards\n(?: {4}.*\n)*/m.exec(text)?.[0] ?? ''
  const other = block.replace('name: cards', 'name: other').replace('database: cards', 'database: postgres')
  const changed = text
    .replace(/^( {2}postgres: 127.*)$/m, '$1\n  tls: { cert: server.crt, key: server.key }')
    .replace(/^listen:/m, `publicUrl: ${boundary.url}\nlisten:`)
    .replace(block, block + other)
  writeFileSync(boundary.config, changed)
}

/** The shortest time of a token is a minute: the store is told that it has passed. Times are whole seconds, so the last that was written counts. */
export function expireNewestToken(boundary: Boundary): void {
  const store = new DatabaseSync(join(boundary.folder, 'data/store.db'))
  const newest = store.prepare(
    `update artefacts set expires_at_ms = ? where rowid =
       (select rowid from artefacts where model = 'AccessToken' order by rowid desc limit 1)`,
  )
  newest.run(Date.now() - 60_000)
  store.close()
}
