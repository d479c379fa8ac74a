/** Finds the Node that runs the sources: the pinned one, or the machine's own where that is new enough and the pinned one cannot run. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { root } from './checkout.mjs'

/** The oldest Node that runs the gateway: `engines` of packages/gateway. */
const oldest = [24, 16]

/**
 * @returns the path of a Node that starts here
 * @throws {Error} with what to install
 */
export const findRuntime = () => {
  const pinned = pinnedPath()
  const obstacle =
    pinned === undefined
      ? `node_modules has no Node for ${process.platform}-${process.arch} (npm ci --include=optional brings it where there is one)`
      : obstacleTo(pinned)
  if (obstacle === undefined) return pinned
  if (isNewEnough(process.versions.node)) return process.execPath
  throw new Error(`${obstacle}; or use Node ${oldest.join('.')} or later (this is ${process.version})`)
}

/** By path: npm 10 links no `.bin/node` when several optional packages offer one. */
const pinnedPath = () => {
  const os = process.platform === 'win32' ? 'win' : process.platform
  const file = process.platform === 'win32' ? ['bin', 'node.exe'] : ['bin', 'node']
  for (const prefix of ['node', 'node-bin']) {
    const candidate = path.join(root, 'node_modules', `${prefix}-${os}-${process.arch}`, ...file)
    if (existsSync(candidate)) return candidate
  }
  return undefined
}

/** Why the Node at this path does not start here, in words that say what to do; undefined when it starts. */
const obstacleTo = (file) => {
  const probe = spawnSync(file, ['--version'], { encoding: 'utf8', timeout: 30_000 })
  if (probe.status === 0) return undefined
  const said = probe.error?.message ?? probe.stderr.trim()
  if (/libatomic/.test(said)) {
    return 'the pinned Node needs libatomic: install it (Debian, Ubuntu: apt-get install libatomic1; Fedora, RHEL: dnf install libatomic)'
  }
  if (probe.error?.code === 'ENOENT') return 'the pinned Node needs glibc, which this system does not have (musl?)'
  return `the pinned Node does not start here (${said})`
}

const isNewEnough = (version) => {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > oldest[0] || (major === oldest[0] && minor >= oldest[1])
}
