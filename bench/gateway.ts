import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startChild } from '../demo/child.ts'
import { freePort } from '../demo/ports.ts'
import type { Arm, Target } from './arm.ts'
import type { Issuer } from './issuer.ts'
import type { ProbeStart } from './probed.ts'
import { FILLER_GROUPS, TABLES, WORKLOAD, writePolicies } from './policy.ts'

const CLI = join(import.meta.dirname, '../packages/gateway/src/cli/main.ts')

/** What a gateway for the benchmark stands on. */
export interface GatewayGround {
  readonly folder: string
  readonly database: Target
  readonly issuer: Issuer
}

/** Starts a gateway with everything on in front of the database, with a probe in it or without. */
export async function startGatewayArm(ground: GatewayGround, probe?: ProbeStart): Promise<Arm> {
  const folder = join(ground.folder, `gateway-${performance.now().toFixed(0)}`)
  mkdirSync(join(folder, 'data'), { recursive: true, mode: 0o700 })
  const policies = writePolicies(join(folder, 'policy'))
  const ports = { http: await freePort(8280), postgres: await freePort(5532) }
  const config = join(folder, 'sallyport.yaml')
  writeFileSync(config, configuration(ground, ports))
  seal(config, ground.database.password)
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
  const password = ground.issuer.token(WORKLOAD, `http://127.0.0.1:${ports.http}`)
  return {
    name: 'sallyport',
    target: { host: '127.0.0.1', port: ports.postgres, user: WORKLOAD, password, database: 'cards' },
    pid: child.process.pid,
    policy: `cedar ${policies} policies, cached decisions, record and payload, trail synced, masking on with 1 declared column, index on`,
    stop: () => child.stop(),
  }
}

/** Gives the gateway the database's password, as an operator does. */
function seal(config: string, password: string): void {
  const args = [...process.execArgv, CLI, 'seal', 'cards', '-c', config]
  const done = spawnSync(process.execPath, args, { input: password, encoding: 'utf8', timeout: 30_000 })
  if (done.status !== 0) throw new Error(`sallyport seal failed: ${done.stderr.trim()}`)
}

function configuration({ issuer, database }: GatewayGround, ports: { http: number; postgres: number }): string {
  const tables = ['public.customers', 'public.orders', 'public.job_runs', ...TABLES].join(', ')
  return `apiVersion: sallyport/v1
node: bench
listen:
  http: 127.0.0.1:${ports.http}
  postgres: 127.0.0.1:${ports.postgres}
identity:
  oidc: { issuer: "${issuer.url}", clientId: sallyport }
  workloads:
    - { name: ${WORKLOAD}, issuer: "${issuer.url}", audience: "http://127.0.0.1:${ports.http}", claims: { sub: ${WORKLOAD} }, groups: [ci] }
groups: [support, payments-leads, auditors, security, platform, ci, ${FILLER_GROUPS.join(', ')}]
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
masking:
  columns: { cards.public.customers.pan: pan }
policy: policy
`
}
