import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { VerifierError } from '../errors.ts'
import { FolderSource, type TrailFile, type TrailSource } from '../source.ts'

/** More files than a pack has. */
const MAX_FILES = 4_000_000

/** Something that lies in a pack's folder. */
export interface PackEntry {
  /** With slashes. */
  readonly path: string
  /** A regular file: not a link, a pipe or an empty folder. */
  readonly isFile: boolean
}

/** Where the files of a pack come from. */
export interface PackSource extends TrailSource {
  /** Everything that lies there, in no order. @throws {VerifierError} `SP_FILE_UNREADABLE` */
  list(): Promise<readonly PackEntry[]>
  /** The folder in which they lie, for another thread; undefined when they lie elsewhere. */
  readonly folder?: string
}

/** The files of a pack in a folder. */
export class PackFolderSource extends FolderSource implements PackSource {
  readonly folder: string

  constructor(folder: string) {
    super(folder)
    this.folder = folder
  }

  async list(): Promise<readonly PackEntry[]> {
    const entries: PackEntry[] = []
    const waiting = ['']
    for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
      const found = await this.#read(folder)
      // An empty folder changes nothing, but it was not there.
      if (found.length === 0 && folder !== '') entries.push({ path: folder, isFile: false })
      for (const { path, kind } of found) {
        if (kind === 'folder') waiting.push(path)
        else entries.push({ path, isFile: kind === 'file' })
      }
      if (entries.length > MAX_FILES) throw new VerifierError('SP_FILE_TOO_LARGE', 'the folder has too many files')
    }
    return entries
  }

  async #read(folder: string): Promise<readonly { path: string; kind: 'file' | 'folder' | 'other' }[]> {
    const prefix = folder === '' ? '' : `${folder}/`
    try {
      const entries = await readdir(join(this.folder, folder), { withFileTypes: true })
      return entries.map((entry) => ({
        path: `${prefix}${entry.name}`,
        kind: entry.isFile() ? 'file' : entry.isDirectory() ? 'folder' : 'other',
      }))
    } catch (cause) {
      throw new VerifierError('SP_FILE_UNREADABLE', `${folder === '' ? 'the folder' : folder} cannot be read`, {
        cause,
      })
    }
  }

  /** Whether the folder claims to be a pack: it has one of the files that make one. */
  async isPack(marks: readonly string[]): Promise<boolean> {
    const found = await Promise.all(
      marks.map((mark) =>
        lstat(join(this.folder, mark)).then(
          () => true,
          () => false,
        ),
      ),
    )
    return found.includes(true)
  }
}

/** A folder of a source as a source. */
export class PrefixedSource implements TrailSource {
  readonly #source: TrailSource
  readonly #prefix: string

  constructor(source: TrailSource, prefix: string) {
    this.#source = source
    this.#prefix = prefix
  }

  open(path: string): Promise<TrailFile | undefined> {
    return this.#source.open(`${this.#prefix}${path}`)
  }
}
