import type { Position } from './log-reader.ts'

const POSITION = 0
const INTEGRATED = 1
const SEGMENT = 2
const STOP = 3
const CALLS = 4
const WORDS = 5

/** All that passes between the writing side and the sequencer while both run: five words of shared memory. */
export class Board {
  readonly memory: SharedArrayBuffer
  readonly #words: BigInt64Array

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(WORDS * BigInt64Array.BYTES_PER_ELEMENT)) {
    this.memory = memory
    this.#words = new BigInt64Array(memory)
  }

  /** How far the write-ahead files are durable; set by the writing side, after the sync. One word, so that both halves belong together. */
  get position(): Position {
    const word = Atomics.load(this.#words, POSITION)
    return { segment: Number(word >> 32n), offset: Number(word & 0xffff_ffffn) }
  }

  set position({ segment, offset }: Position) {
    Atomics.store(this.#words, POSITION, (BigInt(segment) << 32n) | BigInt(offset))
  }

  /** Records that the sequencer has taken in; set by it. */
  get integrated(): number {
    return Number(Atomics.load(this.#words, INTEGRATED))
  }

  set integrated(records: number) {
    Atomics.store(this.#words, INTEGRATED, BigInt(records))
  }

  /** The lowest segment that the sequencer still needs; set by it. */
  get segment(): number {
    return Number(Atomics.load(this.#words, SEGMENT))
  }

  set segment(segment: number) {
    Atomics.store(this.#words, SEGMENT, BigInt(segment))
  }

  /** How often a checkpoint was called for; the writing side has the clock. */
  get checkpointCalls(): number {
    return Number(Atomics.load(this.#words, CALLS))
  }

  /** Calls for a checkpoint of what is new. */
  callForCheckpoint(): void {
    Atomics.add(this.#words, CALLS, 1n)
  }

  /** Whether the sequencer is to end when it has taken everything in; set by the writing side. */
  get isStopping(): boolean {
    return Atomics.load(this.#words, STOP) !== 0n
  }

  set isStopping(isStopping: boolean) {
    Atomics.store(this.#words, STOP, isStopping ? 1n : 0n)
  }
}
