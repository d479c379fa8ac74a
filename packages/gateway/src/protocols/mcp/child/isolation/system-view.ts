import { lstatSync, readlinkSync, realpathSync } from 'node:fs'
import { dirname, extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { INSIDE } from './sandbox.ts'

/** Something outside that is seen inside, read-only. */
export interface Bind {
  readonly from: string
  readonly to: string
}

/** What every program needs of the machine: programs, libraries, nothing that says who else is there. */
export interface SystemView {
  readonly binds: readonly Bind[]
  /** Node and the relay. */
  readonly own: readonly Bind[]
  readonly links: readonly { readonly target: string; readonly path: string }[]
}

/** All that one child sees. */
export interface Seen {
  readonly view: SystemView
  /** Its code, which may be a copy. */
  readonly code: readonly Bind[]
}

/** Folders that hold programs and libraries; on most machines all but the first are links into it. */
export const SYSTEM_FOLDERS: readonly string[] = [
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  '/nix/store',
]

/** Of `/etc` only what libraries ask for: how to find each other, which certificates to trust, the time zone. */
const SYSTEM_FILES = [
  '/etc/alternatives',
  '/etc/ca-certificates',
  '/etc/ld.so.cache',
  '/etc/ld.so.conf',
  '/etc/ld.so.conf.d',
  '/etc/localtime',
  '/etc/pki/tls/certs',
  '/etc/ssl/certs',
  '/etc/ssl/openssl.cnf',
]

const RELAY_FILE = fileURLToPath(new URL('./relay.ts', import.meta.url))

/** Where the relay lies inside: Node tells by the ending what it reads. */
export const RELAY_INSIDE: string = `${INSIDE.relay}${extname(RELAY_FILE)}`

/** Looks at this machine. */
export function systemView(): SystemView {
  const binds: Bind[] = []
  const links: { target: string; path: string }[] = []
  for (const path of SYSTEM_FOLDERS) {
    const target = linkTarget(path)
    if (target === undefined) continue
    if (target === '') binds.push({ from: path, to: path })
    else links.push({ target, path })
  }
  for (const path of SYSTEM_FILES) {
    if (linkTarget(path) !== undefined) binds.push({ from: realpathSync(path), to: path })
  }
  const own = [
    { from: realpathSync(process.execPath), to: INSIDE.node },
    { from: RELAY_FILE, to: RELAY_INSIDE },
  ]
  return { binds, own, links }
}

/** Where a link points; empty for something that is no link, undefined for nothing. A link to nothing is nothing. */
function linkTarget(path: string): string | undefined {
  try {
    const isLink = lstatSync(path).isSymbolicLink()
    realpathSync(path)
    return isLink ? readlinkSync(path) : ''
  } catch {
    return undefined
  }
}

/** The folders above a path, outermost first, without the root. */
export function ancestors(path: string): readonly string[] {
  const above = dirname(path)
  return above === '/' || above === path ? [] : [...ancestors(above), above]
}

/** Whether one path is another or lies below it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`)
}
