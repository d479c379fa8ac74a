import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { VERSION } from '#base'
import { systemClock, systemIds } from '#machine'
import { GatewayError, type PinnedTool, type Session } from '#model'
import { createScrubber } from '#masking'
import {
  createToolServers,
  formatPins,
  type LiveTool,
  type McpResource,
  probeIsolation,
  unisolated,
} from '#protocols/mcp'
import { type Config, loadConfig } from './config/load.ts'
import { pinsFile } from './config/pinned-tools.ts'
import { detectors } from './detectors.ts'
import { privatePathsOf, toolServersOf } from './mcp.ts'
import { createSecretSource } from './secrets.ts'
import { createLog } from './log.ts'

/** What pinning changed. */
export interface Pinned {
  readonly file: string
  /** How the server was kept apart while it was asked. */
  readonly isolation: string
  readonly tools: readonly { readonly name: string; readonly hash: string; readonly change: ToolChange }[]
}

/** How a tool stands against the file as it was. */
type ToolChange = 'new' | 'changed' | 'same' | 'removed'

/**
 * Starts an MCP server of the configuration as the gateway would, asks for its tools, and writes their definitions beside the policy, for review.
 * It is given no database, and no gateway needs to run: nothing behind the boundary is touched.
 *
 * @throws {GatewayError} `SP_CONFIG_INVALID`, `SP_TOOL_SERVER_FAILED`, `SP_ISOLATION_UNAVAILABLE`.
 */
export async function pinTools(configFile: string, environment: NodeJS.ProcessEnv, name: string): Promise<Pinned> {
  const config = loadConfig(configFile)
  const server = toolServersOf(config).find(({ resource }) => resource.name === name)
  if (server === undefined) throw new GatewayError('SP_CONFIG_INVALID', `no MCP server is named "${name}"`)
  const runFolder = mkdtempSync(join(tmpdir(), 'sallyport-pin-'))
  try {
    const probed = await probeIsolation({ folder: runFolder })
    const live = await askForTools({ config, server, environment, runFolder, probed })
    const file = pinsFile(config.policyFolder, name)
    mkdirSync(config.policyFolder, { recursive: true })
    writeFileSync(file, formatPins(name, live))
    const isolation = server.settings.isolation === 'none' ? 'none' : (probed.isolation?.words ?? 'none')
    return { file, isolation, tools: compare(server.resource.tools, live) }
  } finally {
    rmSync(runFolder, { recursive: true, force: true })
  }
}

interface Asking {
  readonly config: Config
  readonly server: McpResource
  readonly environment: NodeJS.ProcessEnv
  readonly runFolder: string
  readonly probed: Awaited<ReturnType<typeof probeIsolation>>
}

async function askForTools({ config, server, environment, runFolder, probed }: Asking): Promise<readonly LiveTool[]> {
  const unavailable = (what: string) => async (): Promise<never> => {
    await Promise.resolve()
    throw new GatewayError('SP_CONFIG_INVALID', `${what} cannot be had while tools are pinned`)
  }
  const servers = createToolServers({
    doors: { open: unavailable('a database') },
    secrets: createSecretSource(config.folder, environment, { reveal: unavailable('a secret of the vault') }),
    // Nothing behind the boundary is reached, so there is nothing to be on record; the file is reviewed.
    trail: {
      record: async (entries) => await Promise.resolve(entries.map((_, sequence) => ({ sequence }))),
      conclude: () => undefined,
    },
    clock: systemClock,
    ids: systemIds,
    log: createLog(createScrubber(detectors), 'error'),
    configFolder: config.folder,
    runFolder,
    privatePaths: privatePathsOf(config),
    version: VERSION,
    isolation: probed,
    unisolated: unisolated(),
  })
  // It is given no database: what a tool says of itself must not depend on one.
  const settings = { ...server.settings, database: undefined }
  const over = new AbortController()
  try {
    const caller = { session: operatorSession(server), ended: over.signal }
    return (await servers.take(caller, { resource: server.resource, settings })).tools
  } finally {
    over.abort()
    await servers.close()
  }
}

/** Whoever has the machine. */
function operatorSession({ resource }: McpResource): Session {
  const operator = { id: 'operator', issuer: 'local', subject: 'operator', name: 'operator', groups: [] }
  return {
    id: 'pin',
    identity: { kind: 'workload', mfa: false, ...operator },
    resource,
    tokenId: 'pin',
    grantId: 'pin',
    startedAtMs: systemClock.nowMs(),
    endsAtMs: Number.MAX_SAFE_INTEGER,
    client: { address: '127.0.0.1', port: 0, tls: false },
  }
}

function compare(before: readonly PinnedTool[], now: readonly LiveTool[]): Pinned['tools'] {
  const former = new Map(before.map(({ name, hash }) => [name, hash]))
  const present = now.map(({ name, hash }): Pinned['tools'][number] => {
    const known = former.get(name)
    return { name, hash, change: known === undefined ? 'new' : known === hash ? 'same' : 'changed' }
  })
  const names = new Set(now.map(({ name }) => name))
  const gone = before
    .filter(({ name }) => !names.has(name))
    .map(({ name, hash }) => ({ name, hash, change: 'removed' as const }))
  return [...present, ...gone]
}
