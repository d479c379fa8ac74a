import { type Bytes, toHex } from '#base'
import type { BackendKey } from './upstream/upstream.ts'

/** What a cancel key cancels. */
export interface Cancellable {
  cancel(): void
}

/** PostgreSQL 18, BackendKeyData: "The minimum … key length is 4 bytes"; protocol 3.0 has exactly 4. */
const KEY_BYTES_3_0 = 4
/** As PostgreSQL 18 itself makes them from protocol 3.2 on. */
const KEY_BYTES_3_2 = 32

/**
 * Keys that clients may cancel with: ours, at random. The database's own are never shown to them. With protocol 3.0 a key has 32 bits, so
 * the process number, which need not be one here, is random too.
 */
export class CancelKeys<T extends Cancellable> {
  readonly #sessions = new Map<string, T>()
  readonly #random: (bytes: number) => Bytes

  constructor(random: (bytes: number) => Bytes) {
    this.#random = random
  }

  /** Makes a key that nobody has, for a client of this minor protocol version. */
  issue(minor: number): BackendKey {
    for (;;) {
      const [a = 0, b = 0, c = 0, d = 0] = this.#random(4)
      // Clients show it as a number: positive.
      const processId = (((a & 0x7f) << 24) | (b << 16) | (c << 8) | d) + 1
      const issued = { processId, key: this.#random(minor >= 2 ? KEY_BYTES_3_2 : KEY_BYTES_3_0) }
      if (!this.#sessions.has(nameOf(issued))) return issued
    }
  }

  enter(key: BackendKey, session: T): void {
    this.#sessions.set(nameOf(key), session)
  }

  leave(key: BackendKey): void {
    this.#sessions.delete(nameOf(key))
  }

  /** Cancels what the key's session runs, if it is a key; nobody is told whether it was. */
  cancel(key: BackendKey): void {
    this.#sessions.get(nameOf(key))?.cancel()
  }
}

function nameOf({ processId, key }: BackendKey): string {
  return `${String(processId)}/${toHex(key)}`
}
