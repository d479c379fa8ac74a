import type { GatewayError, Receipt } from '#model'
import { encodeEntry } from './entry.ts'
import { type Definition, type Item, itemsBytes, type OperationItem } from './items.ts'
import type { Segment } from './segment.ts'

/** Where the receipts of one call go. */
interface Waiter {
  resolve(receipts: readonly Receipt[]): void
  reject(error: GatewayError): void
}

/** Items that were handed over together; an outcome has no waiter. */
export interface Call {
  readonly items: readonly Item[]
  readonly waiter: Waiter | undefined
  /** The most that it can take in any segment: that of one which has none of its definitions. */
  readonly bytes: number
}

/** Segments are numbered from 1: no definition lies in this one. */
const NO_SEGMENT = 0

/** Makes a call of items. */
export function makeCall(items: readonly Item[], waiter?: Waiter): Call {
  return { items, waiter, bytes: itemsBytes(items, NO_SEGMENT) }
}

const EMPTY = Buffer.alloc(0)

/** Entries that will be one frame of one segment, chosen when the batch was opened: so each segment has every definition that it uses. */
export class Batch {
  readonly segment: Segment
  readonly firstIndex: number
  readonly isAfterGap: boolean
  readonly calls: Call[] = []
  #buffer: Buffer
  #length = 0
  #records = 0
  #hasWaiter = false

  /** @param buffer room for the entries, the batch's own until it is sealed. */
  constructor(segment: Segment, firstIndex: number, buffer: Buffer, isAfterGap = false) {
    this.#buffer = buffer
    this.segment = segment
    this.firstIndex = firstIndex
    this.isAfterGap = isAfterGap
  }

  /** The index behind its last record. */
  get endIndex(): number {
    return this.firstIndex + this.#records
  }

  /** Whether somebody waits for it: outcomes alone do not start a commit. */
  get hasWaiter(): boolean {
    return this.#hasWaiter
  }

  get length(): number {
    return this.#length
  }

  /** The entries, to be sealed. */
  get entries(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  /** Gives the buffer back; the entries are sealed or given up. */
  release(): Buffer {
    const buffer = this.#buffer
    this.#buffer = EMPTY
    this.#length = 0
    return buffer
  }

  /** The bytes that a call would add. */
  bytesOf(call: Call): number {
    return itemsBytes(call.items, this.segment.number)
  }

  /** Appends a call; the caller has seen to it that it fits. */
  append(call: Call): void {
    this.#reserve(this.bytesOf(call))
    for (const item of call.items) this.#appendItem(item)
    this.calls.push(call)
    if (call.waiter !== undefined) this.#hasWaiter = true
  }

  #appendItem(item: Item): void {
    const numbered = { index: this.endIndex, timeMs: item.timeMs }
    if (item.kind === 'system') {
      this.#length = encodeEntry({ kind: 'system', ...numbered, json: item.json }, this.#buffer, this.#length)
    } else {
      const references = this.#references(item)
      const entry =
        item.kind === 'intent'
          ? { kind: item.kind, ...numbered, ...references, links: item.links, payload: item.payload }
          : { kind: item.kind, ...numbered, ...references, intent: item.intent, ...item.facts }
      this.#length = encodeEntry(entry, this.#buffer, this.#length)
    }
    this.#records += 1
  }

  #references({ context, shape }: OperationItem): { readonly context: number; readonly shape: number } {
    return { context: this.#number(context), shape: this.#number(shape) }
  }

  #number(definition: Definition): number {
    if (definition.segment !== this.segment.number) {
      definition.segment = this.segment.number
      definition.number = this.segment.nextDefinition()
      const { kind, number, json } = definition
      this.#length = encodeEntry({ kind, number, json }, this.#buffer, this.#length)
    }
    return definition.number
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes
    if (needed <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}
