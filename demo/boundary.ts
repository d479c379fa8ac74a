import { randomBytes } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sealSecretOffline } from '#app'
import { startPostgres, type TestPostgres } from '../packages/gateway/testkit/postgres.ts'
import { type Child, startChild } from './child.ts'
import { demoSql, SERVICE_USER } from './data.ts'
import { freePort } from './ports.ts'

const HERE = fileURLToPath(new URL('.', import.meta.url))
/** The repository: logins of the demo lie in its `.sallyport`, so that every pasted line finds them. */
export const REPOSITORY: string = fileURLToPath(new URL('..', import.meta.url))
export const CLI: string = join(REPOSITORY, 'packages/gateway/src/cli/main.ts')

/** The demo boundary while it runs. */
export interface Boundary {
  readonly folder: string
  readonly config: string
  readonly trailFolder: string
  readonly profileFolder: string
  readonly url: string
  readonly postgresPort: number
  readonly idpUrl: string
  /** Ports that were taken and what was used instead, in words. */
  readonly shifted: readonly string[]
  readonly database: TestPostgres
  gateway(): Child
  /** Kills the gateway with SIGKILL and starts it again on the same folder. */
  killGateway(): Promise<void>
  startGateway(): Promise<void>
  stop(keep: boolean): Promise<void>
}

/** Starts the database, the identity provider and the gateway, each a process of its own. */
export async function startBoundary(say: (line: string) => void): Promise<Boundary> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-demo-'))
  const ports = { http: await freePort(8080), postgres: await freePort(5432), idp: await freePort(8180) }
  const servicePassword = randomBytes(24).toString('base64url')
  const starting = startPostgres({
    user: 'demo_owner',
    password: randomBytes(24).toString('base64url'),
    database: 'cards',
    sql: demoSql(servicePassword),
  })
  const idp = await startChild({
    script: join(HERE, 'idp.ts'),
    args: ['--port', String(ports.idp)],
    logFile: join(folder, 'idp.log'),
    isReady: (line) => line.startsWith('{'),
  })
  const idpUrl = `http://127.0.0.1:${ports.idp}`
  const database = await starting
  say(
    `  PostgreSQL 18      cards: customers, orders, job_runs; test card numbers only (port ${database.port}, reachable for Sallyport's account)`,
  )
  const config = writeConfig(folder, ports, idpUrl, database)
  await sealSecretOffline(config, {}, 'cards', servicePassword)
  const start = async (): Promise<Child> =>
    await startChild({
      script: CLI,
      args: ['up', '-c', config, '--until-eof'],
      logFile: join(folder, 'gateway.log'),
      isReady: (line) => line.startsWith('ready'),
    })
  let gateway = await start()
  return {
    folder,
    config,
    trailFolder: join(folder, 'data/trail'),
    profileFolder: join(REPOSITORY, '.sallyport'),
    url: `http://127.0.0.1:${ports.http}`,
    postgresPort: ports.postgres,
    idpUrl,
    shifted: shifted(ports),
    database,
    gateway: () => gateway,
    killGateway: () => gateway.kill(),
    startGateway: async () => {
      gateway = await start()
    },
    stop: async (keep) => {
      await gateway.stop()
      await idp.stop()
      await database.stop()
      if (!keep) rmSync(folder, { recursive: true, force: true })
      rmSync(join(REPOSITORY, '.sallyport'), { recursive: true, force: true })
    },
  }
}

interface Ports {
  readonly http: number
  readonly postgres: number
  readonly idp: number
}

function shifted(ports: Ports): readonly string[] {
  const wanted: Ports = { http: 8080, postgres: 5432, idp: 8180 }
  return (['http', 'postgres', 'idp'] as const)
    .filter((key) => ports[key] !== wanted[key])
    .map((key) => `port ${wanted[key]} is taken, so ${key} is on ${ports[key]}`)
}

function writeConfig(folder: string, ports: Ports, idpUrl: string, database: TestPostgres): string {
  mkdirSync(join(folder, 'data'), { mode: 0o700 })
  cpSync(join(HERE, 'boundary/policy'), join(folder, 'policy'), { recursive: true })
  const config = join(folder, 'sallyport.yaml')
  writeFileSync(config, configText(ports, idpUrl, database))
  return config
}

function configText(ports: Ports, idpUrl: string, database: TestPostgres): string {
  return `apiVersion: sallyport/v1
node: demo
listen:
  http: 127.0.0.1:${ports.http}
  postgres: 127.0.0.1:${ports.postgres}
identity:
  oidc: { issuer: "${idpUrl}", clientId: sallyport }
  workloads:
    - { name: ci-bot, issuer: "${idpUrl}", audience: "http://127.0.0.1:${ports.http}", claims: { sub: ci-bot }, groups: [ci] }
groups: [support, payments-leads, auditors, security, platform, ci]
resources:
  - name: cards
    zone: cde
    tables: [public.customers, public.orders, public.job_runs]
    postgres:
      host: 127.0.0.1
      port: ${database.port}
      database: cards
      user: ${SERVICE_USER}
      password: { from: vault:cards }
      tls: { mode: off }
masking:
  columns: { cards.public.customers.pan: pan }
policy: policy
`
}
