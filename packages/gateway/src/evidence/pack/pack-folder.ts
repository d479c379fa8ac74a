import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { PackFile } from '@sallyport/verifier'
import type { Bytes } from '#base'

/** What a file gathers before it is written. */
const BUFFER_CHARACTERS = 256 * 1024

/** A folder that a pack is written into, with the digest and size of each file. */
export class PackFolder {
  readonly #folder: string
  readonly #files: PackFile[] = []
  readonly #made = new Set<string>()

  constructor(folder: string) {
    this.#folder = folder
  }

  /** What was written so far, sorted by path. */
  get files(): readonly PackFile[] {
    return this.#files.toSorted((a, b) => (a.path < b.path ? -1 : 1))
  }

  async write(path: string, content: Bytes | string): Promise<void> {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content
    const file = await this.#open(path)
    try {
      await file.writeFile(bytes)
    } finally {
      await file.close()
    }
    this.note(path, createHash('sha256').update(bytes), bytes.length)
  }

  /** Begins a file that is written line by line. */
  async begin(path: string): Promise<LineFile> {
    return new LineFile(this, path, await this.#open(path))
  }

  note(path: string, hash: Hash, size: number): void {
    this.#files.push({ path, sha256: hash.digest('hex'), size })
  }

  /** Never over another file, and for the gateway's own user alone. */
  async #open(path: string): Promise<FileHandle> {
    const folder = dirname(join(this.#folder, path))
    if (!this.#made.has(folder)) await mkdir(folder, { recursive: true, mode: 0o700 })
    this.#made.add(folder)
    return await open(join(this.#folder, path), 'wx', 0o600)
  }
}

/** A file of lines: they are gathered, and written whenever there are enough of them. */
export class LineFile {
  readonly #folder: PackFolder
  readonly #path: string
  readonly #file: FileHandle
  readonly #hash = createHash('sha256')
  #size = 0
  #lines = 0
  #waiting: string[] = []
  #waitingCharacters = 0

  constructor(folder: PackFolder, path: string, file: FileHandle) {
    this.#folder = folder
    this.#path = path
    this.#file = file
  }

  get lines(): number {
    return this.#lines
  }

  add(line: string): void {
    this.#waiting.push(line, '\n')
    this.#waitingCharacters += line.length + 1
    this.#lines += 1
  }

  /** Writes what was gathered, if it is worth it. */
  async drain(isLast = false): Promise<void> {
    if (this.#waitingCharacters === 0 || (this.#waitingCharacters < BUFFER_CHARACTERS && !isLast)) return
    const bytes = Buffer.from(this.#waiting.join(''))
    this.#waiting = []
    this.#waitingCharacters = 0
    this.#hash.update(bytes)
    this.#size += bytes.length
    await this.#file.writeFile(bytes)
  }

  async end(): Promise<void> {
    await this.drain(true)
    this.#folder.note(this.#path, this.#hash, this.#size)
    await this.#file.close()
  }

  /** Closes it without an end, when the pack is given up. */
  async abandon(): Promise<void> {
    await this.#file.close().catch(() => undefined)
  }
}
