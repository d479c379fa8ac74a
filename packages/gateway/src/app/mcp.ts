import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { VERSION } from '#base'
import { systemClock, systemIds } from '#machine'
import type { Gate, Log, Masking, PrivateDoors, SecretSource, TrailOutlet } from '#model'
import {
  createMcp,
  createToolServers,
  type Mcp,
  type McpBlock,
  type McpResource,
  probeIsolation,
  unisolated,
} from '#protocols/mcp'
import type { Config } from './config/load.ts'
import { secretReferences } from './config/secret-references.ts'

/** What the MCP side is connected to. */
export interface McpParts {
  readonly gate: Gate
  readonly masking: Masking
  readonly secrets: SecretSource
  readonly doors: PrivateDoors
  /** The servers as they are pinned now. */
  readonly resources: () => readonly McpResource[]
  readonly trail: TrailOutlet
  readonly log: Log
}

/** The MCP side of a gateway. */
export interface McpSide extends AsyncDisposable {
  readonly front: Mcp
  /** How MCP servers are kept apart here, in words for the screen; undefined when there is no server. */
  readonly isolation: string | undefined
}

/** Makes the MCP side of a gateway from its configuration, finding out first how servers can be kept apart on this machine. */
export async function openMcp(config: Config, parts: McpParts): Promise<McpSide> {
  const hasServers = toolServersOf(config).length > 0
  const runFolder = makeRunFolder(config)
  const removeRunFolder = (): void => {
    rmSync(runFolder, { recursive: true, force: true })
  }
  try {
    const isolation = hasServers ? await probeIsolation({ folder: runFolder }) : { tried: [] }
    const servers = createToolServers({
      ...parts,
      clock: systemClock,
      ids: systemIds,
      configFolder: config.folder,
      runFolder,
      privatePaths: privatePathsOf(config),
      version: VERSION,
      isolation,
      unisolated: unisolated(),
    })
    const front = createMcp({
      ...parts,
      servers,
      clock: systemClock,
      random: (bytes) => randomBytes(bytes),
      publicUrl: config.publicUrl,
    })
    return {
      front,
      isolation: hasServers ? (isolation.isolation?.words ?? `none: ${isolation.tried.join('; ')}`) : undefined,
      [Symbol.asyncDispose]: async () => {
        await front.close()
        removeRunFolder()
      },
    }
  } catch (error) {
    removeRunFolder()
    throw error
  }
}

/** The MCP servers of a configuration. */
export function toolServersOf(config: Config): readonly McpResource[] {
  return config.resources.flatMap(({ resource, settings }) =>
    // The configuration was checked with this protocol's own schema.
    resource.kind === 'mcp' ? [{ resource, settings: settings as McpBlock }] : [],
  )
}

/** unix(7): the path of a socket has 108 bytes at most; this is what is left for the folder above a child's own. */
const MAX_RUN_FOLDER_BYTES = 70

/** A folder for what children need while they run; what a killed gateway left in it is removed. */
function makeRunFolder(config: Config): string {
  const folder = join(config.dataFolder, 'run')
  if (Buffer.byteLength(folder) > MAX_RUN_FOLDER_BYTES) return mkdtempSync(join(tmpdir(), 'sallyport-run-'))
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { mode: 0o700 })
  return folder
}

/** What no MCP server may see: keys, store and trail, secrets in files, the private key of the listener, policy and configuration. */
export function privatePathsOf(config: Config): readonly string[] {
  const { tls } = config.file.listen
  const secrets = secretReferences(config.file).flatMap(({ from }) => (from.startsWith('file:') ? [from.slice(5)] : []))
  const files = [...secrets, ...(tls === undefined ? [] : [tls.key])]
  return [config.dataFolder, config.policyFolder, ...files.map((path) => resolve(config.folder, path))]
}
