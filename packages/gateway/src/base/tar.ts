/**
 * The little of ustar (POSIX.1-2001) that a folder of files needs: regular files with relative paths, nothing else.
 *
 *     | header, 512 | content | zeros up to a multiple of 512 | … | 1,024 zeros
 *
 * What is read must be written exactly as it would be written here. So an archive has no second reading, and no links, devices, absolute or
 * climbing paths.
 */
import { type Bytes, toUtf8 } from './bytes.ts'

/** Headers and contents fill whole blocks. */
export const TAR_BLOCK_BYTES = 512

const MAX_PATH = 100
const MAX_SIZE = 0o77777777777
const PATH = /^(?:[A-Za-z0-9_][A-Za-z0-9._-]*\/){0,15}[A-Za-z0-9_][A-Za-z0-9._-]*$/

/** One file of an archive. */
export interface TarFile {
  readonly path: string
  /** Bytes. */
  readonly size: number
}

/** What an archive says next. */
export type TarPart =
  | { readonly kind: 'file'; readonly file: TarFile }
  /** More of the last file's content. */
  | { readonly kind: 'content'; readonly bytes: Bytes }
  | { readonly kind: 'end' }

/** The header of a file. @throws {TypeError} for a path or size that it does not take. */
export function tarHeader({ path, size }: TarFile): Bytes {
  if (path.length > MAX_PATH || !PATH.test(path)) throw new TypeError('a path that an archive here does not have')
  if (!Number.isSafeInteger(size) || size < 0 || size > MAX_SIZE) throw new TypeError('a size that ustar does not have')
  const header = new Uint8Array(TAR_BLOCK_BYTES)
  const put = (text: string, at: number): void => {
    header.set(toUtf8(text), at)
  }
  put(path, 0)
  put('0000600\0', 100)
  put('0000000\0', 108)
  put('0000000\0', 116)
  put(`${size.toString(8).padStart(11, '0')}\0`, 124)
  put('00000000000\0', 136)
  // POSIX.1-2001: "all bytes of the chksum field are treated as spaces" while they are added up.
  put('        ', 148)
  put('0', 156)
  put('ustar\0', 257)
  put('00', 263)
  const sum = header.reduce((total, byte) => total + byte, 0)
  put(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

/** The zeros behind the content of a file. */
export function tarPadding(size: number): Bytes {
  return new Uint8Array((TAR_BLOCK_BYTES - (size % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES)
}

/** The end of an archive. */
export function tarEnd(): Bytes {
  return new Uint8Array(2 * TAR_BLOCK_BYTES)
}

/** Reads an archive piece by piece, however it is cut. */
export class TarReader {
  readonly #block = new Uint8Array(TAR_BLOCK_BYTES)
  #filled = 0
  /** Bytes of content, then of padding, that are still to come. */
  #content = 0
  #padding = 0
  #zeroBlocks = 0

  /** Whether the archive came to its end. */
  get isEnded(): boolean {
    return this.#zeroBlocks === 2
  }

  /**
   * What a piece of the archive says. Contents are views of the piece.
   *
   * @throws {TypeError} when it is not an archive as this file writes it.
   */
  *read(piece: Bytes): Generator<TarPart, void> {
    let at = 0
    while (at < piece.length) {
      if (this.isEnded) throw malformed('something behind its end')
      const rest = piece.subarray(at)
      if (this.#content > 0) {
        const bytes = rest.subarray(0, this.#content)
        this.#content -= bytes.length
        at += bytes.length
        yield { kind: 'content', bytes }
      } else if (this.#padding > 0) {
        const zeros = rest.subarray(0, this.#padding)
        if (zeros.some((byte) => byte !== 0)) throw malformed('something between two files')
        this.#padding -= zeros.length
        at += zeros.length
      } else {
        const part = rest.subarray(0, TAR_BLOCK_BYTES - this.#filled)
        this.#block.set(part, this.#filled)
        this.#filled += part.length
        at += part.length
        if (this.#filled === TAR_BLOCK_BYTES) yield* this.#header()
      }
    }
  }

  *#header(): Generator<TarPart, void> {
    this.#filled = 0
    if (this.#block.every((byte) => byte === 0)) {
      this.#zeroBlocks += 1
      if (this.isEnded) yield { kind: 'end' }
      return
    }
    if (this.#zeroBlocks > 0) throw malformed('a file behind its end')
    const file = parseHeader(this.#block)
    this.#content = file.size
    this.#padding = tarPadding(file.size).length
    yield { kind: 'file', file }
  }
}

function parseHeader(block: Bytes): TarFile {
  const path = ascii(block, 0, MAX_PATH).replace(/\0+$/, '')
  const size = Number.parseInt(ascii(block, 124, 11), 8)
  const expected = tarHeader({ path, size })
  if (expected.some((byte, at) => byte !== block[at])) throw malformed('a header that is not one of a plain file')
  return { path, size }
}

function ascii(block: Bytes, at: number, length: number): string {
  return String.fromCharCode(...block.subarray(at, at + length))
}

function malformed(what: string): TypeError {
  return new TypeError(`not an archive: ${what}`)
}
