/** Where things are in this checkout. */
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')

/** Derived files that may be deleted at any time: compiled types, compile caches, locks. */
export const cache = path.join(root, '.cache')
