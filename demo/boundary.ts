import { randomBytes } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
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
  /** The name of a person's login: of one that shares its home with a boundary that was there before, one with the port. */
  profile(person: string): string
  gateway(): Child
  /** Kills the gateway with SIGKILL. */
  killGateway(): Promise<void>
  /** Starts it again on the same folder. */
  startGateway(): Promise<void>
  stop(keep: boolean): Promise<void>
}

/** Starts the database, the identity provider and the gateway of a plan. Where one does not start nothing stays behind. */
export async function startBoundary(plan: BoundaryPlan): Promise<Boundary> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-demo-'))
  const started: Promise<{ stop(): Promise<void> }>[] = []
  try {
    return await startIn(folder, plan, started)
  } catch (error) {
    for (const part of await Promise.allSettled(started)) if (part.status === 'fulfilled') await part.value.stop()
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}

/** @param started what is started on the way, in case that it does not come to its end */
async function startIn(
  folder: string,
  plan: BoundaryPlan,
  started: Promise<{ stop(): Promise<void> }>[],
): Promise<Boundary> {
  const ports = await freePorts(plan.ports)
  const idpUrl = `http://127.0.0.1:${ports.idp}`
  const servicePassword = randomBytes(24).toString('base64url')
  const parts = [startDatabase(plan, servicePassword), startIdp(plan, folder, ports.idp)] as const
  started.push(...parts)
  const starting = Promise.all([...parts, canIsolate()])
  // Sealing may fail first; what these say then is not asked for.
  starting.catch(() => undefined)
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
  let gateway = await start()
  const home = plan.home ?? folder
  const logins = join(home, '.sallyport')
  mkdirSync(logins, { recursive: true, mode: 0o700 })
  const url = `http://127.0.0.1:${ports.http}`
  const isBeside = plan.home !== undefined && ports.http !== plan.ports.http
  return {
    home,
    folder,
    config,
    trailFolder: join(folder, 'data/trail'),
    gatewayLog,
    url,
    postgresPort: ports.postgres,
    idpUrl,
    shifted: shifted(plan.ports, ports),
    database,
    profile: (person) => (isBeside ? `${person}-${ports.http}` : person),
    gateway: () => gateway,
    killGateway: () => gateway.kill(),
    startGateway: async () => {
      gateway = await start()
    },
    stop: async (keep) => {
      await gateway.stop()
      await Promise.all([idp.stop(), database.stop()])
      forgetLogins(logins, url)
      if (!keep) rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Removes the logins at a boundary that is no more, and their folder when it holds no others. */
function forgetLogins(folder: string, url: string): void {
  for (const name of readdirSync(folder)) {
    const file = join(folder, name)
    if (!name.endsWith('.json') || !readFileSync(file, 'utf8').includes(JSON.stringify(url))) continue
    rmSync(file)
    rmSync(`${file}.lock`, { recursive: true, force: true })
  }
  if (readdirSync(folder).length === 0) rmdirSync(folder)
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
