import { access, constants } from 'node:fs/promises'
import { resolve } from 'node:path'
import { GatewayError } from '#model'
import type { Vault } from '#vault'
import type { Config } from './config/load.ts'
import { formatProblem } from './config/problems.ts'
import { type SecretReference, secretReferences } from './config/secret-references.ts'
import { whyUnreadable } from './config/unreadable.ts'

/**
 * Refuses an environment without a variable that the configuration names: none comes to a process while it runs.
 *
 * @throws {GatewayError} `SP_VAULT_SECRET_MISSING` with one line `file:line:column: message` for each.
 */
export function requireVariables(config: Config, environment: NodeJS.ProcessEnv): void {
  const missing = referencesBy(config, 'env').flatMap(({ path, name }) =>
    (environment[name] ?? '') === ''
      ? [line(config, path, `the environment has no ${name}: set it and start again`)]
      : [],
  )
  if (missing.length > 0) throw new GatewayError('SP_VAULT_SECRET_MISSING', missing.join('\n'))
}

/** The secrets that are not there yet, a line for each. They may come while the gateway runs: the vault and files are asked at each use. */
export async function missingSecrets(config: Config, vault: Pick<Vault, 'list'>): Promise<readonly string[]> {
  const sealed = new Set((await vault.list()).map(({ name }) => name))
  const unsealed = referencesBy(config, 'vault').flatMap(({ path, name }) =>
    sealed.has(name)
      ? []
      : [line(config, path, `the vault has no ${name}: run: sallyport secret set ${name} (stopped: seal ${name})`)],
  )
  const unwritten = await Promise.all(referencesBy(config, 'file').map((reference) => unwrittenFile(config, reference)))
  return [...unsealed, ...unwritten.flat()]
}

async function unwrittenFile(config: Config, { path, name }: NamedReference): Promise<readonly string[]> {
  const file = resolve(config.folder, name)
  try {
    await access(file, constants.R_OK)
    return []
  } catch (error) {
    return [line(config, path, `${whyUnreadable(file, error)}: write it; it is read at each use`)]
  }
}

interface NamedReference extends Pick<SecretReference, 'path'> {
  /** Of the secret, the variable or the file. */
  readonly name: string
}

function referencesBy({ file }: Config, kind: 'env' | 'file' | 'vault'): readonly NamedReference[] {
  const prefix = `${kind}:`
  return secretReferences(file)
    .filter(({ from }) => from.startsWith(prefix))
    .map(({ path, from }) => ({ path, name: from.slice(prefix.length) }))
}

function line({ source }: Config, path: SecretReference['path'], message: string): string {
  return formatProblem(source.problemOf(path, message))
}
