import { X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createSecureContext } from 'node:tls'
import type { PostgresBlock } from '#protocols/postgres'
import type { Config, ConfiguredResource } from './load.ts'
import type { Problem } from './problems.ts'
import { whyUnreadable } from './unreadable.ts'

/** What is wrong with the files and folders that a configuration names, where it names them. A gateway needs them all, other commands do not. */
export function namedFileProblems(config: Config): readonly Problem[] {
  return [
    ...certificateProblems(config),
    ...config.resources.flatMap((resource, index) => authorityProblems(config, resource, index)),
    ...policyProblems(config),
  ]
}

type Path = readonly (string | number)[]

function certificateProblems(config: Config): readonly Problem[] {
  const { tls } = config.file.listen
  if (tls === undefined) return []
  const path = ['listen', 'tls']
  const cert = readNamed(config, [...path, 'cert'], tls.cert)
  const key = readNamed(config, [...path, 'key'], tls.key)
  if (typeof cert !== 'string' || typeof key !== 'string')
    return [cert, key].filter((found) => typeof found !== 'string')
  try {
    createSecureContext({ cert, key })
    return []
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return [config.source.problemOf(path, `they are no certificate and its key: ${reason}`)]
  }
}

function authorityProblems(
  config: Config,
  { resource, settings }: ConfiguredResource,
  index: number,
): readonly Problem[] {
  if (resource.kind !== 'postgres') return []
  // The configuration was checked with this protocol's own schema.
  const { tls } = settings as PostgresBlock
  if (tls.mode !== 'verify-full' || tls.caFile === undefined) return []
  const path = ['resources', index, 'postgres', 'tls', 'caFile']
  const authorities = readNamed(config, path, tls.caFile)
  if (typeof authorities !== 'string') return [authorities]
  try {
    // TLS itself takes a file without any, and then trusts nobody.
    new X509Certificate(authorities)
    return []
  } catch {
    return [config.source.problemOf(path, 'it holds no certificate')]
  }
}

function policyProblems(config: Config): readonly Problem[] {
  try {
    readdirSync(config.policyFolder)
    return []
  } catch (error) {
    return [config.source.problemOf(['policy'], whyUnreadable(config.policyFolder, error, 'folder '))]
  }
}

function readNamed(config: Config, path: Path, file: string): string | Problem {
  const absolute = resolve(config.folder, file)
  try {
    return readFileSync(absolute, 'utf8')
  } catch (error) {
    return config.source.problemOf(path, whyUnreadable(absolute, error))
  }
}
