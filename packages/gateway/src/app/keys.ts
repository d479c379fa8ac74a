import { existsSync, mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Bytes, Secret } from '#base'
import { GatewayError } from '#model'
import { createMasterKey, loadMasterKey, parseMasterKey } from '#vault'

/**
 * Gets the master key that the configuration refers to. A file that is not there yet is made, readable by its owner only: the first start
 * needs no ceremony. A key in the environment must be there.
 *
 * @throws {GatewayError} `SP_CONFIG_INVALID`, `SP_VAULT_SECRET_MISSING`.
 */
export function masterKey(reference: string, folder: string, environment: NodeJS.ProcessEnv): Secret<Bytes> {
  if (reference.startsWith('env:')) return keyFromEnvironment(environment, reference.slice('env:'.length))
  if (!reference.startsWith('file:'))
    throw new GatewayError('SP_CONFIG_INVALID', 'masterKey: the key cannot lie in the vault that it opens')
  const file = resolve(folder, reference.slice('file:'.length))
  if (existsSync(file)) return loadMasterKey({ file })
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  return createMasterKey({ file })
}

function keyFromEnvironment(environment: NodeJS.ProcessEnv, name: string): Secret<Bytes> {
  const text = environment[name]
  if (text === undefined || text === '')
    throw new GatewayError('SP_VAULT_SECRET_MISSING', `the environment has no ${name}`)
  return parseMasterKey(text, `the key in ${name}`)
}
