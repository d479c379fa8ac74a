import type { TrailFile, TrailSource } from '../source.ts'

/** The files of a trail by their paths. */
export type Files = ReadonlyMap<string, Uint8Array>

/** A trail in memory. */
export class MemorySource implements TrailSource {
  readonly #files: Files

  constructor(files: Files) {
    this.#files = files
  }

  async open(path: string): Promise<TrailFile | undefined> {
    const bytes = this.#files.get(path)
    if (bytes === undefined) return undefined
    return {
      size: bytes.length,
      read: async (target, position) => {
        const piece = bytes.subarray(position, position + target.length)
        target.set(piece)
        return piece.length
      },
      close: async () => undefined,
    }
  }
}
