import { realpathSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { GatewayError } from '#model'
import { isWithin, SYSTEM_FOLDERS } from './isolation/system-view.ts'

/** What a child sees of the disk besides the system: folders without links in their paths. The first is where it starts. */
export type CodeFolders = readonly [string, ...string[]]

/**
 * Finds the code of a server. What is private may not lie within it: all of it can be read.
 *
 * @param privatePaths absolute paths of what no child may see: the data folder, files with secrets.
 * @throws {GatewayError} `SP_CONFIG_INVALID` when there is no such folder, or something private lies in one.
 */
export function findCode(configFolder: string, code: readonly string[], privatePaths: readonly string[]): CodeFolders {
  const [first, ...more] = code.map((path) => realFolder(resolve(configFolder, path)))
  if (first === undefined) throw new GatewayError('SP_CONFIG_INVALID', 'an MCP server needs a code folder')
  for (const path of privatePaths.map(real)) {
    const seen = [first, ...more, ...SYSTEM_FOLDERS].find((folder) => isWithin(path, folder))
    if (seen !== undefined) {
      throw new GatewayError('SP_CONFIG_INVALID', `${path} lies in ${seen}, which an MCP server could read`)
    }
  }
  return [first, ...more]
}

function realFolder(path: string): string {
  try {
    const found = realpathSync(path)
    if (statSync(found).isDirectory()) return found
  } catch (error) {
    throw new GatewayError('SP_CONFIG_INVALID', `the code folder ${path} cannot be read`, { cause: error })
  }
  throw new GatewayError('SP_CONFIG_INVALID', `${path} is no folder`)
}

/** The path itself, when there is nothing yet. */
function real(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
