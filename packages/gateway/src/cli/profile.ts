import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { systemClock } from '#machine'
import { CommandError, EXIT } from './exit-codes.ts'

/** A login kept on this machine: where the gateway is, and the refresh token that `sallyport token` uses. */
export interface Profile {
  readonly url: string
  readonly refreshToken: string
  readonly name: string
  /** An API token and its end, kept so that not every command has to ask for one. */
  readonly api?: { readonly token: string; readonly expiresAtMs: number }
}

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/

/** No command holds a profile longer. */
const LOCK_TIMEOUT_MS = 15_000
const LOCK_RETRY_MS = 25

/** Making a folder succeeds for one process only. */
function tryLock(lock: string): boolean {
  try {
    mkdirSync(lock)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

/**
 * Whether a folder is the user's own, and nobody else can write to it: a folder that somebody else laid in the way (in `/tmp`, in a shared
 * checkout) could hold their gateway's address, or take the login that is written there.
 */
function isOurs(folder: string): boolean {
  const found = statSync(folder, { throwIfNoEntry: false })
  if (found?.isDirectory() !== true) return false
  const isOwn = process.getuid === undefined || found.uid === process.getuid()
  return isOwn && (process.platform === 'win32' || (found.mode & 0o022) === 0)
}

/** Does something before a signal ends the process: Ctrl-C while a gateway does not answer must not make the next command wait. */
function beforeSignals(tidy: () => void): () => void {
  const end = (signal: NodeJS.Signals): void => {
    forget()
    tidy()
    process.kill(process.pid, signal)
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  const forget = (): void => {
    for (const signal of signals) process.off(signal, end)
  }
  for (const signal of signals) process.on(signal, end)
  return forget
}

/** The folder of profiles: `.sallyport` of the nearest folder upward that has one of ours, else the user's state folder (XDG). */
function profileFolder(environment: NodeJS.ProcessEnv, cwd: string): string {
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (isOurs(join(folder, '.sallyport'))) return join(folder, '.sallyport')
    if (dirname(folder) === folder) break
  }
  const state = environment['XDG_STATE_HOME']
  return join(state !== undefined && state !== '' ? state : join(homedir(), '.local', 'state'), 'sallyport')
}

/** Keeps logins in files that only their owner can read. */
export class Profiles {
  readonly #folder: string

  constructor(environment: NodeJS.ProcessEnv, cwd: string) {
    this.#folder = profileFolder(environment, cwd)
  }

  /** @throws {CommandError} when there is no such login. */
  read(name: string): Profile {
    const path = this.#path(name)
    if (!existsSync(path))
      throw new CommandError(
        EXIT.login,
        `not logged in${name === 'default' ? '' : ` as profile "${name}"`}`,
        'sallyport login --url https://…',
      )
    return JSON.parse(readFileSync(path, 'utf8')) as Profile
  }

  find(name: string): Profile | undefined {
    return existsSync(this.#path(name)) ? this.read(name) : undefined
  }

  /** Replaces a profile in one step, so that a crash leaves the old or the new one. */
  write(name: string, profile: Profile): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    const path = this.#path(name)
    const draft = `${path}.${randomUUID()}`
    writeFileSync(draft, JSON.stringify(profile), { mode: 0o600, flag: 'wx' })
    renameSync(draft, path)
  }

  /**
   * Runs something while no other command of this machine works on the profile: a refresh token is good for one use. A lock that its owner
   * left behind is broken after a while.
   *
   * @throws {CommandError} when there is no such login.
   */
  async exclusively<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.read(name)
    const lock = `${this.#path(name)}.lock`
    const until = systemClock.monotonicMs() + LOCK_TIMEOUT_MS
    while (!tryLock(lock)) {
      if (systemClock.monotonicMs() > until) rmSync(lock, { recursive: true, force: true })
      await new Promise((resolve) => setTimeout(resolve, LOCK_RETRY_MS))
    }
    const release = (): void => {
      rmSync(lock, { recursive: true, force: true })
    }
    const forgetSignals = beforeSignals(release)
    try {
      return await work()
    } finally {
      forgetSignals()
      release()
    }
  }

  remove(name: string): void {
    rmSync(this.#path(name), { force: true })
  }

  #path(name: string): string {
    if (!NAME.test(name))
      throw new CommandError(EXIT.usage, 'a profile is named by lower-case letters, digits and hyphens')
    return join(this.#folder, `${name}.json`)
  }
}
