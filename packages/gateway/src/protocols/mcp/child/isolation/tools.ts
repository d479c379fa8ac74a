import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

/** Where programs of the system lie. Not the path of whoever starts Sallyport: what is found there decides how a child is kept apart. */
const FOLDERS = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/local/bin', '/run/current-system/sw/bin']

/** Finds a program of the system. */
export function findTool(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
