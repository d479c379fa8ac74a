/** Installs what the lock file names, once: a stamp says for which lock file and machine `node_modules` was made. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { cache, root } from './checkout.mjs'

const stamp = path.join(root, 'node_modules', '.sallyport-installed')
const lock = path.join(cache, 'install.lock')

/** Longer than the slowest install seen; an older lock belongs to a process that died. */
const lockLifeMs = 10 * 60_000

/** The lock file repeats what every package.json asks for; test/lockfile.test.ts holds them together. */
const inputs = ['package-lock.json', '.npmrc']

const wanted = () => {
  const digest = createHash('sha256')
  for (const file of inputs)
    digest
      .update(file)
      .update('\0')
      .update(readFileSync(path.join(root, file)))
      .update('\0')
  return `${digest.digest('hex')} ${process.platform}-${process.arch}\n`
}

const isCurrent = () => existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted()

export const ensureInstalled = async () => {
  if (isCurrent()) return
  mkdirSync(cache, { recursive: true })
  await holdingLock(async () => {
    if (!isCurrent()) await install()
  })
}

/** Two commands started at once in a fresh clone must not both empty `node_modules`. */
const holdingLock = async (work) => {
  let isWaiting = false
  for (;;) {
    try {
      mkdirSync(lock)
      break
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
      if (isStale()) {
        rmSync(lock, { recursive: true, force: true })
        continue
      }
      if (!isWaiting) console.error('sallyport: another command is installing the dependencies; waiting')
      isWaiting = true
      await delay(200)
    }
  }
  const release = () => rmSync(lock, { recursive: true, force: true })
  process.once('exit', release)
  try {
    writeFileSync(path.join(lock, 'pid'), String(process.pid))
    await work()
  } finally {
    release()
    process.off('exit', release)
  }
}

const isStale = () => {
  try {
    if (Date.now() - statSync(lock).mtimeMs > lockLifeMs) return true
    const pid = Number(readFileSync(path.join(lock, 'pid'), 'utf8'))
    if (pid > 0) process.kill(pid, 0)
    return false
  } catch (error) {
    // ESRCH: the holder is gone. Anything else (no pid file yet, another user's process): it may well be alive.
    return error.code === 'ESRCH'
  }
}

const install = async () => {
  const started = Date.now()
  console.error(`sallyport: installing the locked dependencies into ${path.join(root, 'node_modules')} …`)
  // Nothing that a dependency brings runs at install time: no package needs it.
  const args = [
    'ci',
    '--ignore-scripts',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ]
  const { status, output } = await runNpm(args)
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed:\n${output.trim()}`)
  dropNodeShadows()
  writeFileSync(stamp, wanted())
  console.error(`sallyport: installed in ${((Date.now() - started) / 1000).toFixed(1)} s`)
}

const runNpm = (args) =>
  new Promise((resolve, reject) => {
    const npm = process.env.npm_execpath
    // Not under npm (or under another package manager): npm is on the PATH, on Windows as a script that only a shell can start.
    const child = /npm-cli\.c?js$/.test(npm ?? '')
      ? spawn(process.execPath, [npm, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
      : spawn('npm', args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], shell: process.platform === 'win32' })
    let output = ''
    const collect = (chunk) => {
      output += chunk
    }
    child.stdout.setEncoding('utf8').on('data', collect)
    child.stderr.setEncoding('utf8').on('data', collect)
    child.once('error', (error) => reject(new Error(`cannot start npm: ${error.message}`)))
    child.once('close', (status) => resolve({ status, output }))
  })

/**
 * npm 11 links the pinned Node as `node_modules/.bin/node`, where it would shadow the machine's own in every later `npm start`: where
 * the pinned one cannot run (no libatomic, musl) nobody would be left to say so.
 */
const dropNodeShadows = () => {
  for (const file of ['node', 'node.cmd', 'node.ps1'])
    rmSync(path.join(root, 'node_modules', '.bin', file), { force: true })
}
