import { dirname, join } from 'node:path'
import type { Bytes } from '#base'
import { type FilePort, placeFile } from './file-port.ts'

/** The name that a file in the folder of the log has until it is whole; one writer, one file at a time. */
export const INCOMING = '.incoming'

/**
 * The files of the log: each is written under a temporary name, synced and renamed, and never written again once a checkpoint covers it. A partial file
 * goes when the full one is covered.
 */
export class LogFiles {
  readonly #files: FilePort
  readonly #folder: string
  /** Folders that this process has made sure of. */
  readonly #folders = new Set<string>()
  /** Folders whose names are not durable yet. */
  readonly #unsynced = new Set<string>()

  constructor(files: FilePort, folder: string) {
    this.#files = files
    this.#folder = folder
  }

  /** Places a file at a path of the log; durable after `sync`. */
  async place(path: string, pieces: readonly Bytes[]): Promise<void> {
    const target = join(this.#folder, path)
    await this.#ensureFolder(dirname(target))
    await placeFile(this.#files, join(this.#folder, INCOMING), target, pieces)
    this.#unsynced.add(dirname(target))
  }

  /** Makes the names of all placed files durable. */
  async sync(): Promise<void> {
    for (const folder of this.#unsynced) await this.#files.syncFolder(folder)
    this.#unsynced.clear()
  }

  /** Removes the partial files of a full one. */
  async removePartials(path: string): Promise<void> {
    const folder = join(this.#folder, `${path}.p`)
    for (const name of await this.#files.list(folder)) await this.#files.remove(join(folder, name))
    await this.#files.removeFolder(folder)
    this.#folders.delete(folder)
    this.#unsynced.delete(folder)
  }

  async #ensureFolder(folder: string): Promise<void> {
    if (this.#folders.has(folder) || folder === this.#folder) return
    const parent = dirname(folder)
    await this.#ensureFolder(parent)
    await this.#files.makeFolder(folder)
    this.#folders.add(folder)
    // Also when it was there: a crash may have come between its making and the sync of its parent.
    this.#unsynced.add(parent)
  }
}
