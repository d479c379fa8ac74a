import type { Bytes } from '#base'

/**
 * Goes through one value, whole or in pieces, and replaces in place what has to be replaced. A value's bytes lie in one buffer; of a value
 * that comes in pieces the buffer holds the part not yet settled.
 */
export interface ValueReader {
  /** Begins a value at an offset. */
  begin(origin: number): void
  /**
   * Reads on from `at`, where the last call stopped, to `limit`, and returns where it stopped. When `limit` is `to` the value ends there;
   * else at least {@link lookAhead} bytes lie between them.
   */
  advance(bytes: Bytes, at: number, limit: number, to: number): number
  /** The first byte at or before `at` that may still be replaced. */
  heldFrom(at: number): number
  /** Moves what is remembered along with bytes that were moved. */
  shift(by: number): void
}
