import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Secret } from '#base'
import { GatewayError, type SecretSource } from '#model'

/** A secret file larger than this is no secret. */
const MAX_SECRET_BYTES = 64 * 1024

/**
 * Resolves the secret references of the configuration: `vault:NAME`, `env:NAME`, `file:PATH`. Read each time it is asked, so that a
 * rotation needs no restart.
 */
export function createSecretSource(folder: string, environment: NodeJS.ProcessEnv, vault: SecretSource): SecretSource {
  return {
    async reveal(reference) {
      const [kind, ...rest] = reference.split(':')
      const name = rest.join(':')
      if (kind === 'vault') return vault.reveal(name)
      if (kind === 'env') return fromEnvironment(environment, name)
      if (kind === 'file') return fromFile(resolve(folder, name))
      throw new GatewayError('SP_VAULT_SECRET_MISSING', `"${kind ?? ''}" is no kind of secret reference`)
    },
  }
}

function fromEnvironment(environment: NodeJS.ProcessEnv, name: string): Secret<string> {
  const value = environment[name]
  if (value === undefined || value === '')
    throw new GatewayError('SP_VAULT_SECRET_MISSING', `the environment has no ${name}`)
  return new Secret(value)
}

async function fromFile(path: string): Promise<Secret<string>> {
  try {
    const { size } = await stat(path)
    if (size > MAX_SECRET_BYTES) throw new Error('the file is too large for a secret')
    return new Secret((await readFile(path, 'utf8')).replace(/\r?\n$/, ''))
  } catch (error) {
    throw new GatewayError('SP_VAULT_SECRET_MISSING', `the secret file ${path} cannot be read`, { cause: error })
  }
}
