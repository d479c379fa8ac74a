import { type Bytes, fromUtf8 } from '#base'

/** Lines of one window at most; what is beyond is counted. */
const MAX_LINES = 20
const WINDOW_MS = 10_000
const MAX_LINE_BYTES = 500

/** What a child says besides the protocol, for the log: so many lines in so much time, each so long. */
export class StrayLines {
  readonly #write: (line: string) => void
  readonly #nowMs: () => number
  #rest = ''
  #lines = 0
  #left = 0
  #sinceMs = -Infinity

  constructor(write: (line: string) => void, nowMs: () => number) {
    this.#write = write
    this.#nowMs = nowMs
  }

  /** Takes what came on its standard error. */
  take(chunk: Bytes): void {
    const lines = (this.#rest + fromUtf8(chunk)).split('\n')
    this.#rest = (lines.pop() ?? '').slice(0, MAX_LINE_BYTES + 1)
    for (const line of lines) this.line(line)
  }

  /** Writes one line, or counts it. */
  line(line: string): void {
    const text = cut(line)
    if (text === '') return
    const now = this.#nowMs()
    if (now - this.#sinceMs >= WINDOW_MS) {
      this.#tellLeft()
      this.#sinceMs = now
      this.#lines = 0
    }
    if (this.#lines++ < MAX_LINES) this.#write(text)
    else this.#left++
  }

  /** Writes what is left of it. */
  end(): void {
    if (this.#rest !== '') this.line(this.#rest)
    this.#rest = ''
    this.#tellLeft()
  }

  #tellLeft(): void {
    if (this.#left > 0) this.#write(`… and ${this.#left} more lines`)
    this.#left = 0
  }
}

/** Not through a number: half a card number would pass the scrubber. */
function cut(line: string): string {
  return line.length <= MAX_LINE_BYTES
    ? line.trim()
    : line
        .slice(0, MAX_LINE_BYTES)
        .replace(/[\d\s.-]+$/, '')
        .trim()
}
