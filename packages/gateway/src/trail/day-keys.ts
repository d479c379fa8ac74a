import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Bytes } from '#base'
import { GatewayError, type Sealer } from '#model'
import type { PayloadKeys } from '#model/read'
import { type FilePort, placeFile, readWhole } from './file-port.ts'
import { DAY_KEY_BYTES, makeDayKey, recordKey } from './key-schedule.ts'

/** A sealed key is its 32 bytes and what the sealer adds. */
const MAX_SEALED_BYTES = 4096

/** `2026-11-21.6f09a2c4`: the day, and what tells two keys of one day apart (the first may have been erased). */
const KEY_ID = /^\d{4}-\d{2}-\d{2}\.[0-9a-f]{8}$/
const SUFFIX = '.daykey'

/** A day's key with its name. */
export interface DayKey {
  readonly id: string
  readonly bytes: Bytes
}

/**
 * The keys of the days, each in a sealed file of its own. Whoever deletes the file has erased that day's payloads: the log stays valid, for it
 * commits to ciphertexts.
 */
export class DayKeys implements PayloadKeys {
  readonly #files: FilePort
  readonly #folder: string
  readonly #sealer: Sealer
  readonly #keys = new Map<string, Bytes>()

  private constructor(files: FilePort, folder: string, sealer: Sealer) {
    this.#files = files
    this.#folder = folder
    this.#sealer = sealer
  }

  /** Opens every key in the folder. @throws {GatewayError} `SP_VAULT_SEAL_BROKEN` */
  static async open(files: FilePort, folder: string, sealer: Sealer): Promise<DayKeys> {
    const keys = new DayKeys(files, folder, sealer)
    for (const name of await files.list(folder)) {
      const id = name.endsWith(SUFFIX) ? name.slice(0, -SUFFIX.length) : ''
      if (KEY_ID.test(id)) keys.#keys.set(id, await keys.#read(id))
    }
    return keys
  }

  /** A key by its name, or undefined when it was erased. */
  get(id: string): Bytes | undefined {
    return this.#keys.get(id)
  }

  recordKey(id: string, index: number): Bytes | undefined {
    const key = this.#keys.get(id)
    return key === undefined ? undefined : recordKey(key, index)
  }

  /** All keys, for the thread that seals payloads. */
  all(): ReadonlyMap<string, Bytes> {
    return this.#keys
  }

  /** The key of a day (`2026-11-21`), made and made durable when there is none yet. */
  async ofDay(day: string): Promise<DayKey> {
    for (const [id, bytes] of this.#keys) if (id.startsWith(`${day}.`)) return { id, bytes }
    const id = `${day}.${randomBytes(4).toString('hex')}`
    const bytes = makeDayKey()
    const path = this.#path(id)
    await placeFile(this.#files, `${path}.tmp`, path, [this.#sealer.seal(bytes, contextOf(id))])
    await this.#files.syncFolder(this.#folder)
    this.#keys.set(id, bytes)
    return { id, bytes }
  }

  /** Erases the keys of a day; which days may go is the caller's to know. */
  async erase(day: string): Promise<readonly string[]> {
    const ids = [...this.#keys.keys()].filter((id) => id.startsWith(`${day}.`))
    for (const id of ids) {
      await this.#files.remove(this.#path(id))
      this.#keys.delete(id)
    }
    await this.#files.syncFolder(this.#folder)
    return ids
  }

  async #read(id: string): Promise<Bytes> {
    const sealed = await readWhole(this.#files, this.#path(id), MAX_SEALED_BYTES)
    const key = sealed === undefined ? undefined : this.#sealer.open(sealed, contextOf(id))
    if (key?.length !== DAY_KEY_BYTES)
      throw new GatewayError('SP_VAULT_SEAL_BROKEN', `the day key ${id} cannot be read`)
    return key
  }

  #path(id: string): string {
    return join(this.#folder, id + SUFFIX)
  }
}

/** The day of a time, in UTC: `2026-11-21`. */
export function dayOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10)
}

function contextOf(id: string): string {
  return `sallyport/trail/day-key/${id}`
}
