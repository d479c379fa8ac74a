/**
 * Clients and servers of others, unmodified: what `outside/package-lock.json` names, installed once into the cache and apart from the checkout's
 * own dependencies.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { REPOSITORY } from '../demo/plan.ts'
import { holdingLock } from '../packages/gateway/testkit/postgres/lock.ts'

const FILES = ['package.json', 'package-lock.json', '.npmrc', 'client.mjs'] as const
const SOURCE = join(REPOSITORY, 'e2e/outside')
/** Below it lie installations, each under the hash of what it was made from. */
const CACHE = join(REPOSITORY, '.cache/outside')

/** The folder with what others made below `node_modules`. The first call on a machine installs it, which takes some seconds. */
export async function outsideFolder(): Promise<string> {
  const folder = join(CACHE, hashOf(FILES.map((name) => join(SOURCE, name))))
  await installOnce(folder, async () => {
    for (const name of FILES) copyFileSync(join(SOURCE, name), join(folder, name))
    // Nothing of others runs while it is installed; what is optional are the drivers of other databases.
    await run('npm', ['ci', '--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund'], folder)
  })
  return folder
}

/** The Python that has what `python/requirements.txt` names, in an environment of its own. */
export async function outsidePython(): Promise<string> {
  const requirements = join(REPOSITORY, 'e2e/python/requirements.txt')
  const folder = join(CACHE, `python-${hashOf([requirements])}`)
  const python = join(folder, 'bin/python')
  await installOnce(folder, async () => {
    await run('python3', ['-m', 'venv', folder], CACHE)
    await run(python, ['-m', 'pip', 'install', '--quiet', '--requirement', requirements], folder)
  })
  return python
}

/** Why there is no such Python here, in words; false when there is one. CI has one. */
export async function whyNoPython(): Promise<string | false> {
  if (process.env['CI'] !== undefined) return false
  try {
    await outsidePython()
    return false
  } catch (error) {
    return `needs python3, its venv (apt-get install python3-venv) and PyPI: ${String(error).split('\n', 1)[0] ?? ''}`
  }
}

/** A short name for the content of files. */
function hashOf(files: readonly string[]): string {
  const digest = createHash('sha256')
  for (const file of files) digest.update(readFileSync(file)).update('\0')
  return digest.digest('hex').slice(0, 16)
}

/** Fills a folder once for all processes of this machine: the stamp is written last, so that a killed installation is made again. */
async function installOnce(folder: string, install: () => Promise<void>): Promise<void> {
  const stamp = join(folder, '.made-for-sallyport')
  if (existsSync(stamp)) return
  mkdirSync(CACHE, { recursive: true })
  await holdingLock(join(CACHE, 'install.lock'), async () => {
    if (existsSync(stamp)) return
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder)
    await install()
    writeFileSync(stamp, '')
  })
}

/** Longer than a slow registry needs. */
const INSTALL_TIMEOUT_MS = 300_000

/** Runs a program to its end. @throws {Error} with what it said, when it failed. */
export async function run(program: string, args: readonly string[], folder: string): Promise<void> {
  const child = spawn(program, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], timeout: INSTALL_TIMEOUT_MS })
  let said = ''
  const collect = (chunk: Buffer): void => {
    said = `${said}${chunk.toString()}`.slice(-4000)
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: ${String(code)}\n${said}`)
}
