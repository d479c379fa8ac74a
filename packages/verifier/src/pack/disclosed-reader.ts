import { VerifierError } from '../errors.ts'
import { openPayload } from '../payloads.ts'
import type { PayloadCommitment } from '../record.ts'
import type { TrailFile } from '../source.ts'
import type { Finding } from '../verification.ts'
import { type DisclosedPayload, parseDisclosed } from './disclosed.ts'
import { PACK_PATHS } from './layout.ts'

const WINDOW_BYTES = 256 * 1024
/** A payload of 16 MiB in base64, with its key. */
const MAX_LINE_BYTES = 24 * 1024 * 1024
const LINE_FEED = 0x0a

/** Reads `payloads.jsonl` along with the records. */
export class DisclosedReader {
  readonly #file: TrailFile
  #position = 0
  #rest: Buffer = Buffer.alloc(0)
  #next: DisclosedPayload | undefined
  #hasBegun = false
  #count = 0
  #finding: Finding | undefined

  constructor(file: TrailFile) {
    this.#file = file
  }

  /** Payloads that are as their records commit to them. */
  get count(): number {
    return this.#count
  }

  /** The first that is not. */
  get finding(): Finding | undefined {
    return this.#finding
  }

  /** The text of a record's payload, when it is disclosed. */
  async take(record: number, commitment: PayloadCommitment | undefined): Promise<string | undefined> {
    if (this.#finding !== undefined) return undefined
    if (!this.#hasBegun) await this.#advance()
    const next = this.#next
    if (next === undefined || next.record > record) return undefined
    if (next.record < record || commitment === undefined) {
      this.#stop(next.record, `payload of record ${next.record}: that record has none, or it is out of order`)
      return undefined
    }
    try {
      const text = Buffer.from(openPayload(next.blob, next.key, commitment)).toString('utf8')
      this.#count += 1
      await this.#advance()
      return text
    } catch (cause) {
      if (!(cause instanceof VerifierError)) throw cause
      this.#stop(record, `payload of record ${record} changed: ${cause.message}`)
      return undefined
    }
  }

  /** To be called behind the last record. */
  async end(): Promise<void> {
    if (this.#finding === undefined && !this.#hasBegun) await this.#advance()
    if (this.#finding === undefined && this.#next !== undefined)
      this.#stop(
        this.#next.record,
        `payload of record ${this.#next.record}: there is no such record with a payload here`,
      )
  }

  async close(): Promise<void> {
    await this.#file.close()
  }

  #stop(record: number, message: string): void {
    this.#finding = {
      code: 'payload-changed',
      verdict: 'altered',
      message: `${PACK_PATHS.payloads}: ${message}`,
      record,
      file: PACK_PATHS.payloads,
    }
  }

  async #advance(): Promise<void> {
    this.#hasBegun = true
    this.#next = undefined
    const line = await this.#line()
    if (line === undefined) return
    try {
      this.#next = parseDisclosed(line)
    } catch (cause) {
      if (!(cause instanceof VerifierError)) throw cause
      this.#finding = { code: 'payload-changed', verdict: 'altered', message: cause.message, file: PACK_PATHS.payloads }
    }
  }

  async #line(): Promise<string | undefined> {
    let searched = 0
    for (;;) {
      const end = this.#rest.indexOf(LINE_FEED, searched)
      if (end >= 0) {
        const line = this.#rest.toString('utf8', 0, end)
        this.#rest = this.#rest.subarray(end + 1)
        return line
      }
      searched = this.#rest.length
      if (searched > MAX_LINE_BYTES)
        throw new VerifierError('SP_FILE_TOO_LARGE', `${PACK_PATHS.payloads} has a line that is too long`)
      const window = Buffer.allocUnsafe(WINDOW_BYTES)
      const read = await this.#file.read(window, this.#position)
      this.#position += read
      // What follows the last line feed is a line too: it is then refused as one that was cut.
      if (read === 0) return searched === 0 ? undefined : this.#last()
      this.#rest = Buffer.concat([this.#rest, window.subarray(0, read)])
    }
  }

  #last(): string {
    const line = `${this.#rest.toString('utf8')} `
    this.#rest = Buffer.alloc(0)
    return line
  }
}
