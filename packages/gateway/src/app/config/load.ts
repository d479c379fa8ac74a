import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { type CardColumn, GatewayError, type PinnedTool, type Resource } from '#model'
import type { McpBlock } from '#protocols/mcp'
import { protocols } from '../registry.ts'
import { readPinnedTools } from './pinned-tools.ts'
import { invalid, type Problem, schemaProblems, YamlSource } from './problems.ts'
import { type ConfigFile, configSchema } from './schema.ts'
import { unreadable } from './unreadable.ts'

/** A valid configuration, with paths made absolute. */
export interface Config {
  readonly file: ConfigFile
  /** The text of it, which can say where things stand. */
  readonly source: YamlSource
  /** The folder of `sallyport.yaml`, against which relative paths are read. */
  readonly folder: string
  readonly dataFolder: string
  readonly policyFolder: string
  readonly publicUrl: string
  readonly resources: readonly ConfiguredResource[]
}

/** A resource with the settings of its protocol. */
export interface ConfiguredResource {
  readonly resource: Resource
  /** Checked by the protocol's own schema. */
  readonly settings: unknown
  /** What is wrong with the file of pinned tools. */
  readonly pinProblems?: readonly Problem[]
}

/**
 * Reads and checks `sallyport.yaml`.
 *
 * @throws {GatewayError} `SP_CONFIG_MISSING`; `SP_CONFIG_INVALID` with one line `file:line:column: message` per problem.
 */
export function loadConfig(path: string): Config {
  const found = checkConfig(path)
  if ('problems' in found) throw invalid(found.problems)
  return found.config
}

/**
 * A configuration with the pins of its MCP servers as their files say them now; the rest, and resources whose pins are the same, are as they were.
 *
 * @throws {GatewayError} `SP_CONFIG_INVALID` with one line `file:line:column: message` per problem.
 */
export function withPins(config: Config): Config {
  const resources = config.resources.map((entry) => repinned(entry, config.policyFolder))
  const problems = resources.flatMap(({ pinProblems }) => pinProblems ?? [])
  if (problems.length > 0) throw invalid(problems)
  return { ...config, resources }
}

function repinned(entry: ConfiguredResource, policyFolder: string): ConfiguredResource {
  const { resource } = entry
  if (resource.kind !== 'mcp') return entry
  const { tools, problems } = readPinnedTools(policyFolder, resource.name)
  const isSame = problems.length === 0 && hashesOf(tools) === hashesOf(resource.tools)
  return isSame ? entry : { ...entry, resource: { ...resource, tools }, pinProblems: problems }
}

/** The hash of a definition is over all of it, its name too. */
function hashesOf(tools: readonly PinnedTool[]): string {
  return tools.map(({ hash }) => hash).join()
}

/** Reads and checks `sallyport.yaml`; what is wrong comes back as a list. */
export function checkConfig(path: string): { readonly config: Config } | { readonly problems: readonly Problem[] } {
  const source = new YamlSource(path, readConfigFile(path))
  const syntax = source.syntaxProblems()
  if (syntax.length > 0) return { problems: syntax }
  const parsed = configSchema.safeParse(source.value(), { reportInput: false })
  if (!parsed.success) return { problems: schemaProblems(source, parsed.error.issues) }
  const problems = crossProblems(source, parsed.data)
  if (problems.length > 0) return { problems }
  const config = toConfig(path, source, parsed.data)
  const pinProblems = config.resources.flatMap((entry) => entry.pinProblems ?? [])
  return pinProblems.length > 0 ? { problems: pinProblems } : { config }
}

function readConfigFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw unreadable(path, error)
  }
}

function toConfig(path: string, source: YamlSource, file: ConfigFile): Config {
  const folder = dirname(resolve(path))
  const scheme = file.listen.tls === undefined ? 'http' : 'https'
  return {
    file,
    source,
    folder,
    dataFolder: resolve(folder, file.data),
    policyFolder: resolve(folder, file.policy),
    publicUrl: (file.publicUrl ?? `${scheme}://${file.listen.http}`).replace(/\/+$/, ''),
    resources: file.resources.map((entry) => toResource(entry, file, resolve(folder, file.policy))),
  }
}

function toResource(
  entry: ConfigFile['resources'][number],
  file: ConfigFile,
  policyFolder: string,
): ConfiguredResource {
  const protocol = blocksOf(entry)[0]
  if (protocol === undefined) throw new GatewayError('SP_CONFIG_INVALID', `resource "${entry.name}" has no protocol`)
  const named = { name: entry.name, ...(entry.zone === undefined ? {} : { zone: entry.zone }) }
  switch (protocol.name) {
    case 'postgres': {
      const cardColumns = cardColumnsOf(file, entry.name)
      return { resource: { ...named, kind: 'postgres', tables: entry.tables, cardColumns }, settings: protocol.block }
    }
    case 'mcp': {
      const { tools, problems: pinProblems } = readPinnedTools(policyFolder, entry.name)
      return { resource: { ...named, kind: 'mcp', tools }, settings: protocol.block, pinProblems }
    }
    default:
      return protocol.name satisfies never
  }
}

/** The columns of a resource that are declared to hold card data. */
function cardColumnsOf(file: ConfigFile, resource: string): readonly CardColumn[] {
  return Object.entries(file.masking.columns).flatMap(([path, kind]) => {
    const [owner, schema = '', table = '', column = ''] = path.split('.')
    return owner === resource ? [{ schema, table, column, class: kind }] : []
  })
}

function blocksOf(
  entry: ConfigFile['resources'][number],
): readonly { name: (typeof protocols)[number]['name']; block: unknown }[] {
  const blocks: Readonly<Record<string, unknown>> = entry
  return protocols
    .filter((protocol) => blocks[protocol.name] !== undefined)
    .map((protocol) => ({ name: protocol.name, block: blocks[protocol.name] }))
}

/** What the schema cannot say: how parts of the file fit together. */
function crossProblems(source: YamlSource, file: ConfigFile): readonly Problem[] {
  return [
    ...resourceProblems(source, file),
    ...maskingProblems(source, file),
    ...listenProblems(source, file),
    ...groupProblems(source, file),
  ]
}

function resourceProblems(source: YamlSource, file: ConfigFile): readonly Problem[] {
  const problems: Problem[] = []
  const names = new Set<string>()
  for (const [index, entry] of file.resources.entries()) {
    if (names.has(entry.name))
      problems.push(source.problemAt(['resources', index, 'name'], `two resources are named "${entry.name}"`))
    names.add(entry.name)
    if (blocksOf(entry).length !== 1) {
      const known = protocols.map((protocol) => protocol.name).join(', ')
      problems.push(source.problemAt(['resources', index], `resource "${entry.name}" needs exactly one of: ${known}`))
    }
    problems.push(...toolServerProblems(source, file, index))
  }
  return problems
}

function toolServerProblems(source: YamlSource, file: ConfigFile, index: number): readonly Problem[] {
  const entry = file.resources[index]
  // Checked by the protocol's own schema.
  const block = (entry as { readonly mcp?: McpBlock } | undefined)?.mcp
  if (entry === undefined || block === undefined) return []
  const problems: Problem[] = []
  if (entry.tables.length > 0)
    problems.push(source.problemAt(['resources', index, 'tables'], 'an MCP server has no tables'))
  const database = file.resources.find(({ name }) => name === block.database)
  if (block.database !== undefined && (database === undefined || !('postgres' in database)))
    problems.push(
      source.problemAt(['resources', index, 'mcp', 'database'], `no PostgreSQL resource is named "${block.database}"`),
    )
  return problems
}

function maskingProblems(source: YamlSource, file: ConfigFile): readonly Problem[] {
  return Object.keys(file.masking.columns).flatMap((column) => {
    const [resource, schema, table] = column.split('.')
    const entry = file.resources.find((candidate) => candidate.name === resource)
    if (entry?.tables.includes(`${schema}.${table}`) === true) return []
    return [source.problemAt(['masking', 'columns', column], `${column}: no resource lists this table`)]
  })
}

function listenProblems(source: YamlSource, file: ConfigFile): readonly Problem[] {
  if (file.listen.tls !== undefined) return []
  const open = (['http', 'postgres'] as const).filter((key) => !isLoopback(hostOf(file.listen[key])))
  const problems = open.map((key) =>
    source.problemAt(['listen', key], `${file.listen[key]} is not loopback, so listen.tls is needed`),
  )
  const url = file.publicUrl === undefined ? undefined : new URL(file.publicUrl)
  if (url?.protocol === 'http:' && !isLoopback(url.hostname)) {
    problems.push(source.problemAt(['publicUrl'], 'outside loopback people must reach Sallyport by https'))
  }
  return problems
}

function groupProblems(source: YamlSource, file: ConfigFile): readonly Problem[] {
  return file.identity.workloads.flatMap((workload, index) =>
    workload.groups
      .filter((group) => !file.groups.includes(group))
      .map((group) =>
        source.problemAt(['identity', 'workloads', index, 'groups'], `group "${group}" is not listed under groups`),
      ),
  )
}

/** Splits `HOST:PORT`; IPv6 hosts stand in brackets. */
export function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(':')
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) }
}

function hostOf(address: string): string {
  return splitAddress(address).host
}

/** Whether a host name or address is this machine's loopback. */
function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '')
  return bare === 'localhost' || bare === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(bare)
}
