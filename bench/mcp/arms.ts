import { join } from 'node:path'
import { startChild } from '../../demo/child.ts'
import { type Arm, type ArmName, NOTHING_ON } from '../arm.ts'
import type { BenchGround, Ways } from '../family.ts'
import { type Gateway, startGateway } from '../gateway.ts'
import { AGENTS, agentName } from '../policy.ts'
import type { ProbeStart } from '../probed.ts'
import type { Tool } from './call.ts'
import { runGenerator } from './load.ts'
import { startNginx } from './nginx.ts'
import type { Endpoint } from './order.ts'

/** Something between the load generator and the echo server. */
export interface Middle {
  readonly to: Endpoint
  /** The process whose time is counted; undefined when there is none. */
  readonly pid: number | undefined
  readonly stop: () => Promise<void>
}

const STDIO_SERVER = join(import.meta.dirname, 'echo-stdio.ts')

/** Says how each way to the echo server is started. */
export function waysOf(nginx: string, ground: BenchGround): Ways<Tool> {
  const { folder } = ground
  const plain = async (name: ArmName, starting: Promise<Middle>): Promise<Arm<Tool>> =>
    armOf(name, { ...(await starting), folder, policy: NOTHING_ON })
  const direct: Middle = {
    to: { kind: 'stdio', server: STDIO_SERVER },
    pid: undefined,
    stop: () => Promise.resolve(),
  }
  return {
    start: {
      direct: () => plain('direct', Promise.resolve(direct)),
      nginx: () => plain('nginx', startNginx(nginx, folder)),
      relay: () => plain('relay', startRelay(folder)),
      sallyport: () => sallyport(ground),
    },
    probed: (probe) => sallyport(ground, probe),
    bytesOf: () => undefined,
    stop: () => Promise.resolve(),
  }
}

async function startRelay(folder: string): Promise<Middle> {
  const child = await startChild({
    script: join(import.meta.dirname, 'relay.ts'),
    args: [STDIO_SERVER],
    logFile: join(folder, 'mcp-relay.log'),
    isReady: (line) => line.startsWith('ready '),
  })
  const port = Number(child.ready.slice('ready '.length))
  // Not tokens: what tells the clients apart.
  const tokens = Array.from({ length: AGENTS }, (_, index) => agentName(index))
  return { to: { kind: 'http', port, path: '/mcp/echo', tokens }, pid: child.process.pid, stop: () => child.stop() }
}

async function sallyport(ground: BenchGround, probe?: ProbeStart): Promise<Arm<Tool>> {
  const gateway = await startGateway(ground, probe)
  const { url, pid, stop } = gateway
  const tokens = Array.from({ length: AGENTS }, (_, index) => ground.issuer.token(agentName(index), url))
  const to: Endpoint = { kind: 'http', port: Number(new URL(url).port), path: '/mcp/echo', tokens }
  return armOf('sallyport', { to, pid, stop, folder: ground.folder, policy: (tool) => whatIsOn(gateway, tool) })
}

function whatIsOn({ policies }: Gateway, tool: Tool): string {
  const decisions = tool === 'echo' ? 'cached decisions' : 'a policy that reads the arguments, evaluated for each call'
  return `cedar ${policies} policies, ${decisions}, job token of each request checked, record and payload, trail synced, masking on, index on`
}

interface ArmParts extends Middle {
  readonly folder: string
  readonly policy: (tool: Tool) => string
}

function armOf(name: ArmName, { to, pid, stop, folder, policy }: ArmParts): Arm<Tool> {
  return { name, pid, policy, stop, run: (load) => runGenerator(folder, to, load) }
}
