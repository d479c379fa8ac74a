/** From a caller to a server that has introduced itself: folder, door, record, process, handshake. Whatever fails leaves nothing behind. */
import { rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import type { Clock, JsonObject } from '#base'
import type { Log, PrivateDoor, PrivateDoors, SecretSource, Session, TrailEvent, TrailOutlet } from '#model'
import type { LiveTool, McpResource } from '../server-port.ts'
import { Attendant, type ChildHolder } from './attendant.ts'
import { findCode } from './code-folder.ts'
import { recordDeviations } from './deviations.ts'
import { databaseAddress, environmentOf } from './database-address.ts'
import type { Isolation, SandboxedProcess, SandboxPlan } from './isolation/sandbox.ts'
import { Starts } from './starts.ts'
import type { ToolChild } from './tool-child.ts'

/** What children are started with. */
export interface StartPorts {
  readonly doors: PrivateDoors
  readonly secrets: SecretSource
  readonly trail: TrailOutlet
  readonly clock: Clock
  readonly log: Log
  /** Of the configuration, against which code folders are read. */
  readonly configFolder: string
  /** Folder for the folders of children: ours alone, with a short path. */
  readonly runFolder: string
  /** What no child may see. */
  readonly privatePaths: readonly string[]
  readonly version: string
}

/** One child to be. */
export interface Beginning {
  readonly childId: string
  readonly slot: number
  readonly server: McpResource
  readonly isolation: Isolation
  /** The session whose identity the child's SQL is; asked each time. */
  readonly session: () => Session
}

/** A child that runs, and what ends with it. */
export interface StartedChild {
  readonly child: ToolChild
  /** Resolves when all of it is gone and cleared away. Never rejects. */
  readonly cleared: Promise<void>
}

const MIB = 1_048_576
/** What a child may use besides what its block says. */
const PROCESSES = 64
const OPEN_FILES = 1_024
const TEMPORARY_BYTES = 67_108_864

/** Of the whole process: what they share is the machine. Some more than it can work on, since each also waits now and then. */
const starts = new Starts(4 * availableParallelism())

/**
 * Starts one. The record of it is durable before it runs.
 *
 * @throws {GatewayError} `SP_TOOL_SERVER_FAILED`, `SP_CONFIG_INVALID`, `SP_VAULT_SECRET_MISSING`, `SP_TRAIL_UNAVAILABLE`.
 */
export async function startChild(beginning: Beginning, ports: StartPorts): Promise<StartedChild> {
  const folder = join(ports.runFolder, `c${beginning.slot}`)
  const stack = new AsyncDisposableStack()
  const holder: ChildHolder = {}
  try {
    stack.defer(() => rm(folder, { recursive: true, force: true }))
    await beginning.isolation.prepare(folder, beginning.slot)
    const door = await openDoor(beginning, ports, { folder: join(folder, 'door'), holder })
    if (door !== undefined) stack.use(door)
    const plan = await planOf(beginning, ports, { folder, door })
    const turn = stack.use(await starts.turn())
    const process = await onRecord(beginning, plan, ports)
    const cleared = clear(process, { beginning, stack }, ports)
    try {
      const { childId, server } = beginning
      const listed = (tools: readonly LiveTool[]): Promise<void> => recordDeviations(tools, beginning, ports)
      const attended = { childId, server, limits: plan.limits, listed }
      const child = await new Attendant(process, attended, ports).introduce(holder)
      turn[Symbol.dispose]()
      return { child, cleared }
    } catch (error) {
      await cleared
      throw error
    }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

/** Starts the process once that it does is on record; when it cannot, that is too. */
async function onRecord(beginning: Beginning, plan: SandboxPlan, ports: StartPorts): Promise<SandboxedProcess> {
  const timeMs = ports.clock.nowMs()
  const accepted = beginning.isolation.kind === 'none' ? [event('isolation-accept', beginning)] : []
  const events = [...accepted, event('child-start', beginning)]
  await ports.trail.record(events.map((entry) => ({ kind: 'event', timeMs, event: entry })))
  try {
    return await beginning.isolation.start(plan)
  } catch (error) {
    await recordEnd(beginning, 'it could not be started', ports)
    throw error
  }
}

interface DoorPlace {
  readonly folder: string
  readonly holder: Readonly<ChildHolder>
}

async function openDoor(
  { childId, server, isolation, session }: Beginning,
  { doors }: StartPorts,
  { folder, holder }: DoorPlace,
): Promise<PrivateDoor | undefined> {
  const { database } = server.settings
  if (database === undefined) return undefined
  return await doors.open({
    childId,
    get session() {
      return session()
    },
    database,
    tools: server.resource.tools.map(({ name }) => name),
    ...(isolation.isNetworkIsolated ? { folder } : {}),
    running: () => holder.child?.running() ?? [],
  })
}

async function planOf(
  { server, slot }: Beginning,
  { secrets, configFolder, privatePaths }: StartPorts,
  { folder, door }: { readonly folder: string; readonly door: PrivateDoor | undefined },
): Promise<SandboxPlan> {
  const { command, code, environment, limits } = server.settings
  const folders = findCode(configFolder, code, privatePaths)
  const configured: Record<string, string> = {}
  for (const [name, value] of Object.entries(environment)) {
    configured[name] = typeof value === 'string' ? value : (await secrets.reveal(value.from)).expose()
  }
  return {
    program: command,
    workingFolder: folders[0],
    environment: environmentOf(configured, door === undefined ? {} : databaseAddress(door)),
    code: folders,
    folder,
    ...(door !== undefined && 'socketPath' in door.address ? { socket: basename(door.address.socketPath) } : {}),
    slot,
    limits: {
      memoryBytes: limits.memoryMb * MIB,
      processes: PROCESSES,
      openFiles: OPEN_FILES,
      temporaryBytes: TEMPORARY_BYTES,
    },
  }
}

/** Waits for the end, and clears away what was the child's: its door first. */
async function clear(
  process: SandboxedProcess,
  { beginning, stack }: { readonly beginning: Beginning; readonly stack: AsyncDisposableStack },
  ports: StartPorts,
): Promise<void> {
  const how = await process.gone
  const facts = { resource: beginning.server.resource.name, child: beginning.childId }
  ports.log.info('mcp.server.ended', { ...facts, how })
  try {
    await stack.disposeAsync()
  } catch (error) {
    ports.log.error('mcp.server.not_cleared', { ...facts, error: String(error) })
  }
  await recordEnd(beginning, how, ports)
}

async function recordEnd(beginning: Beginning, how: string, { trail, clock, log }: StartPorts): Promise<void> {
  try {
    await trail.record([{ kind: 'event', timeMs: clock.nowMs(), event: event('child-end', beginning, { how }) }])
  } catch (error) {
    // It is gone either way; that its end is not on record shows as a start without one.
    log.error('mcp.server.end_not_recorded', { child: beginning.childId, error: String(error) })
  }
}

/** The record of a child's start or end: whose it is, and how it is kept apart; without isolation also that the configuration accepts that. */
function event(
  activity: 'isolation-accept' | 'child-start' | 'child-end',
  { childId, server, isolation, session }: Beginning,
  more: JsonObject = {},
): TrailEvent {
  const current = session()
  return {
    class: 'entity-management',
    activity,
    actor: current.identity,
    session: current,
    resource: server.resource.name,
    status: 'success',
    details: {
      entity:
        activity === 'isolation-accept'
          ? { type: 'server', uid: server.resource.name }
          : { type: 'child', uid: childId, name: server.resource.name },
      isolation: isolation.kind,
      network: isolation.isNetworkIsolated ? 'isolated' : 'not isolated',
      ...more,
    },
  }
}
