import { randomBytes } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sealSecretOffline } from '#app'
import { startPostgres, type TestPostgres } from '../packages/gateway/testkit/postgres.ts'
import { type Child, startChild } from './child.ts'
import { SERVICE_USER } from './data.ts'
import { canIsolate } from './isolation.ts'
import { type BoundaryPlan, type Ports, REPOSITORY } from './plan.ts'
import { freePort } from './ports.ts'

const HERE = fileURLToPath(new URL('.', import.meta.url))
export const CLI: string = join(REPOSITORY, 'packages/gateway/src/cli/main.ts')

/** A boundary while it runs: a database, an identity provider and a gateway, each a process of its own. */
export interface Boundary {
  /** The folder whose `.sallyport` keeps the logins. */
  readonly home: string
  readonly folder: string
  readonly config: string
  readonly trailFolder: string
  readonly gatewayLog: string
  readonly url: string
  readonly postgresPort: number
  readonly idpUrl: string
  /** Ports that were taken and what was used instead, in words. */
  readonly shifted: readonly string[]
  readonly database: TestPostgres
  gateway(): Child
  /** Kills the gateway with SIGKILL. */
  killGateway(): Promise<void>
  /** Starts it again on the same folder. */
  startGateway(): Promise<void>
  stop(keep: boolean): Promise<void>
}

/** Starts the database, the identity provider and the gateway of a plan. */
export async function startBoundary(plan: BoundaryPlan): Promise<Boundary> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-demo-'))
  const home = plan.home ?? folder
  mkdirSync(join(home, '.sallyport'), { recursive: true, mode: 0o700 })
  const ports = await freePorts(plan.ports)
  const idpUrl = `http://127.0.0.1:${ports.idp}`
  const servicePassword = randomBytes(24).toString('base64url')
  const starting = Promise.all([startDatabase(plan, servicePassword), startIdp(plan, folder, ports.idp), canIsolate()])
  // Sealing needs a configuration, but not yet where the database is: it is done while that starts.
  const config = writeConfig(plan, folder, { ports, databasePort: 1, isIsolated: true })
  await sealSecretOffline(config, {}, 'cards', servicePassword)
  const [database, idp, isIsolated] = await starting
  writeFileSync(config, configText(plan, { ports, databasePort: database.port, isIsolated }))
  const gatewayLog = join(folder, 'gateway.log')
  const start = async (): Promise<Child> =>
    await startChild({
      script: CLI,
      args: ['up', '-c', config, '--until-eof'],
      logFile: gatewayLog,
      isReady: (line) => line.startsWith('ready'),
    })
  let gateway = await start().catch(async (error: unknown) => {
    await Promise.all([idp.stop(), database.stop()])
    throw error
  })
  return {
    home,
    folder,
    config,
    trailFolder: join(folder, 'data/trail'),
    gatewayLog,
    url: `http://127.0.0.1:${ports.http}`,
    postgresPort: ports.postgres,
    idpUrl,
    shifted: shifted(plan.ports, ports),
    database,
    gateway: () => gateway,
    killGateway: () => gateway.kill(),
    startGateway: async () => {
      gateway = await start()
    },
    stop: async (keep) => {
      await gateway.stop()
      await Promise.all([idp.stop(), database.stop()])
      if (!keep) rmSync(folder, { recursive: true, force: true })
      rmSync(join(home, '.sallyport'), { recursive: true, force: true })
    },
  }
}

async function freePorts(wanted: Ports): Promise<Ports> {
  return {
    http: await freePort(wanted.http),
    postgres: await freePort(wanted.postgres),
    idp: await freePort(wanted.idp),
  }
}

function shifted(wanted: Ports, ports: Ports): readonly string[] {
  return (['http', 'postgres', 'idp'] as const)
    .filter((key) => ports[key] !== wanted[key])
    .map((key) => `port ${wanted[key]} is taken, so ${key} is on ${ports[key]}`)
}

async function startDatabase(plan: BoundaryPlan, servicePassword: string): Promise<TestPostgres> {
  return await startPostgres({
    user: 'demo_owner',
    password: randomBytes(24).toString('base64url'),
    database: 'cards',
    sql: plan.sql(servicePassword),
    ...(plan.databaseSettings === undefined ? {} : { settings: plan.databaseSettings }),
  })
}

async function startIdp({ people = [] }: BoundaryPlan, folder: string, port: number): Promise<Child> {
  return await startChild({
    script: join(HERE, 'idp.ts'),
    args: ['--port', String(port), ...people.flatMap((person) => ['--person', JSON.stringify(person)])],
    logFile: join(folder, 'idp.log'),
    isReady: (line) => line.startsWith('{'),
  })
}

/** What is found out while a boundary starts. */
interface Found {
  readonly ports: Ports
  readonly databasePort: number
  /** Whether MCP servers can be kept apart here. The demo's own is accepted otherwise; nobody else's is. */
  readonly isIsolated: boolean
}

function writeConfig(plan: BoundaryPlan, folder: string, found: Found): string {
  mkdirSync(join(folder, 'data'), { mode: 0o700 })
  cpSync(join(HERE, 'boundary/policy'), join(folder, 'policy'), { recursive: true })
  if (plan.policy !== undefined) writeFileSync(join(folder, 'policy/plan.cedar'), plan.policy)
  for (const [name, text] of Object.entries(plan.policyFiles ?? {})) writeFileSync(join(folder, 'policy', name), text)
  const config = join(folder, 'sallyport.yaml')
  writeFileSync(config, configText(plan, found))
  return config
}

function configText(plan: BoundaryPlan, { ports, databasePort, isIsolated }: Found): string {
  const idpUrl = `http://127.0.0.1:${ports.idp}`
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
    tables: [${plan.tables.join(', ')}]
    postgres:
      host: 127.0.0.1
      port: ${databasePort}
      database: cards
      user: ${SERVICE_USER}
      password: { from: vault:cards }
      tls: { mode: off }
  - name: ledger
    zone: cde
    mcp:
      command: [node, "${join(REPOSITORY, 'examples/ledger-mcp/server.ts')}"]
      code: ["${join(REPOSITORY, 'examples/ledger-mcp')}", "${join(REPOSITORY, 'node_modules')}"]
      database: cards
${isIsolated ? '' : '      isolation: none\n'}${plan.resources ?? ''}masking:
  columns: { ${plan.panColumns.map((column) => `cards.${column}: pan`).join(', ')} }
policy: policy
${plan.configuration ?? ''}`
}
