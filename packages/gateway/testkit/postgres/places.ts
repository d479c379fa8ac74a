/** Folders that the server's user can reach: where the binaries are kept, and where a server's data lies while it runs. */
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { serverUser } from './unprivileged.ts'

const ownUid = process.getuid?.() ?? 0
/** Linux's; elsewhere less is known of a process. */
const hasProc = existsSync('/proc/self/stat')

/**
 * The folder for what is kept between runs: in the user's cache where the server can reach it, else in the temporary directory.
 *
 * @throws {Error} when none of them will do
 */
export function cacheFolder(): string {
  const configured = process.env['XDG_CACHE_HOME']
  const caches = [
    // XDG Base Directory Specification: "All paths set in these environment variables must be absolute."
    ...(configured !== undefined && isAbsolute(configured) ? [configured] : []),
    join(homedir(), '.cache'),
  ]
  for (const cache of caches) {
    // Under sudo the home may still be somebody else's: nothing of root's is left there.
    if (isOurs(existing(cache)) && isUsable(join(cache, 'sallyport'))) return join(cache, 'sallyport')
  }
  for (const place of temporaryPlaces()) {
    const folder = join(place, `sallyport-cache-${ownUid}`)
    if (isUsable(folder)) return folder
  }
  throw new Error(`there is no cache folder that the user of the database can read; set XDG_CACHE_HOME to one`)
}

/** Creates the folder if need be, and says whether it is ours alone to write and the server's to read. */
function isUsable(folder: string): boolean {
  try {
    if (!serverUser().canEnter(existing(folder))) return false
    mkdirSync(folder, { recursive: true })
    // In a temporary directory anybody may have made it first, and what lies in it will be run.
    if (!isOurs(folder)) return false
    chmodSync(folder, 0o755)
    return serverUser().canEnter(folder)
  } catch {
    return false
  }
}

/** The folder itself, or the nearest one above it that exists. */
function existing(folder: string): string {
  const found = lstatSync(folder, { throwIfNoEntry: false })
  return found !== undefined || folder === dirname(folder) ? folder : existing(dirname(folder))
}

function isOurs(path: string): boolean {
  const found = lstatSync(path)
  return found.isDirectory() && found.uid === ownUid
}

function temporaryPlaces(): readonly string[] {
  return [...new Set([tmpdir(), '/tmp', '/var/tmp'])]
}

/** `sallyport-pg-`, who made it (see `identityOf`), and what makes it unique. */
const RUN_FOLDER = /^sallyport-pg-(\d+-\d+-\d+)-\w{6}$/

/**
 * A new folder for one server, private to it, after removing those of runs that were killed.
 *
 * @throws {Error} when no temporary directory can be reached by the server's user
 */
export async function runFolder(): Promise<string> {
  const place = temporaryPlaces().find((candidate) => serverUser().canEnter(candidate))
  if (place === undefined)
    throw new Error(`the user of the database cannot reach ${tmpdir()}; set TMPDIR to a folder it can`)
  await sweep(place)
  const folder = await mkdtemp(join(place, `sallyport-pg-${identityOf(process.pid) ?? '0-0-0'}-`))
  if (serverUser().kind === 'nobody') chmodSync(folder, 0o711)
  return folder
}

async function sweep(place: string): Promise<void> {
  for (const name of readdirSync(place)) {
    const owner = RUN_FOLDER.exec(name)?.[1]
    if (owner === undefined || isOwnerAlive(owner)) continue
    const folder = join(place, name)
    try {
      if (isOurs(folder)) await rm(folder, { recursive: true, force: true })
    } catch {
      // Another process may be sweeping too, or its server may still be ending: the next start tries again.
    }
  }
}

/**
 * Which process this is, so that another one that gets its number later is not taken for it: number, start time in ticks since boot, and
 * the namespace in which the number counts. Undefined when there is no such process.
 */
function identityOf(pid: number): string | undefined {
  if (!hasProc) return isRunning(pid) ? `${pid}-0-0` : undefined
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // proc(5): "(22) starttime"; the second field is the name, which may hold anything, parentheses included.
    const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    return `${pid}-${started ?? '0'}-${ownNamespace()}`
  } catch {
    return undefined
  }
}

function isOwnerAlive(identity: string): boolean {
  const [pid, , namespace] = identity.split('-')
  // Numbers of another container that shares the directory say nothing here.
  if (namespace !== ownNamespace()) return true
  return identityOf(Number(pid)) === identity
}

function ownNamespace(): string {
  if (!hasProc) return '0'
  return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0'
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
