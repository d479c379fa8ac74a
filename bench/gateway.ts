import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startChild } from '../demo/child.ts'
import { freePort } from '../demo/ports.ts'
import type { BenchGround } from './family.ts'
import { AGENTS, agentName, AGENTS_GROUP, FILLER_GROUPS, TABLES, WORKLOAD, writePolicies } from './policy.ts'
import type { ProbeStart } from './probed.ts'

const CLI = join(import.meta.dirname, '../packages/gateway/src/cli/main.ts')
const LEDGER = join(import.meta.dirname, '../examples/ledger-mcp')

/** The database that a gateway stands in front of. */
interface Database {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
}

/** What a gateway for the benchmark stands on. */
export interface GatewayGround extends BenchGround {
  /** Undefined where nothing asks for it. */
  readonly database?: Database
}

/** A gateway with everything on. */
export interface Gateway {
  readonly pid: number | undefined
  readonly url: string
  readonly postgresPort: number
  /** How many policies are in force. */
  readonly policies: number
  readonly stop: () => Promise<void>
}

interface GatewayPorts {
  readonly http: number
  readonly postgres: number
}

/** Nobody listens there. */
const NO_DATABASE: Database = { host: '127.0.0.1', port: 1, user: 'nobody', password: 'none', database: 'cards' }

/** Starts a gateway with everything on, with a probe in it or without. */
export async function startGateway(ground: GatewayGround, probe?: ProbeStart): Promise<Gateway> {
  const folder = join(ground.folder, `gateway-${performance.now().toFixed(0)}`)
  mkdirSync(join(folder, 'data'), { recursive: true, mode: 0o700 })
  const policies = writePolicies(join(folder, 'policy'))
  const ports = { http: await freePort(8280), postgres: await freePort(5532) }
  const config = join(folder, 'sallyport.yaml')
  const { database = NO_DATABASE } = ground
  writeFileSync(config, configuration(ground, database, ports))
  // As an operator does: the database's password, and what the MCP server's tools are.
  sallyport(['seal', 'cards', '-c', config], database.password)
  sallyport(['mcp', 'pin', 'echo', '-c', config])
  const [script, ...args] = [...(probe?.nodeArguments ?? []), CLI, 'up', '-c', config, '--until-eof'] as const
  const logFile = join(folder, 'gateway.log')
  const child = await startChild({
    script,
    args,
    environment: probe?.environment ?? {},
    logFile,
    isReady: (line) => line.startsWith('ready'),
  }).catch((error: unknown) => {
    // The log goes with the folder.
    throw new Error(`the gateway did not start: ${readFileSync(logFile, 'utf8').slice(-2000).trim()}`, { cause: error })
  })
  const url = `http://127.0.0.1:${ports.http}`
  return { pid: child.process.pid, url, postgresPort: ports.postgres, policies, stop: () => child.stop() }
}

function sallyport(command: readonly string[], input = ''): void {
  const done = spawnSync(process.execPath, [...process.execArgv, CLI, ...command], {
    input,
    encoding: 'utf8',
    timeout: 60_000,
  })
  if (done.status !== 0) throw new Error(`sallyport ${command[0] ?? ''} failed: ${done.stderr.trim()}`)
}

function configuration({ issuer }: BenchGround, database: Database, ports: GatewayPorts): string {
  const tables = ['public.customers', 'public.orders', 'public.job_runs', ...TABLES].join(', ')
  const audience = `http://127.0.0.1:${ports.http}`
  const workload = (name: string, group: string): string =>
    `    - { name: ${name}, issuer: "${issuer.url}", audience: "${audience}", claims: { sub: ${name} }, groups: [${group}] }`
  const agents = Array.from({ length: AGENTS }, (_, index) => workload(agentName(index), AGENTS_GROUP))
  return `apiVersion: sallyport/v1
node: bench
listen:
  http: 127.0.0.1:${ports.http}
  postgres: 127.0.0.1:${ports.postgres}
identity:
  oidc: { issuer: "${issuer.url}", clientId: sallyport }
  workloads:
${[workload(WORKLOAD, 'ci'), ...agents].join('\n')}
groups: [support, payments-leads, auditors, security, platform, ci, ${AGENTS_GROUP}, ${FILLER_GROUPS.join(', ')}]
resources:
  - name: cards
    zone: cde
    tables: [${tables}]
    postgres:
      host: ${database.host}
      port: ${database.port}
      database: ${database.database}
      user: ${database.user}
      password: { from: vault:cards }
      tls: { mode: off }
  - name: ledger
    zone: cde
    mcp:
      command: [node, "${join(LEDGER, 'server.ts')}"]
      code: ["${LEDGER}"]
      database: cards
  - name: echo
    zone: cde
    mcp:
      command: [node, "${join(import.meta.dirname, 'mcp/echo-stdio.ts')}"]
      code: ["${join(import.meta.dirname, 'mcp')}"]
      limits: { startSeconds: 120 }
masking:
  columns: { cards.public.customers.pan: pan }
policy: policy
`
}
