import type { GatewayError, Receipt } from '#model'
import { encodeEntry } from './entry.ts'
import type { Definition, Item, OperationItem } from './items.ts'
import { definitionBytes, itemBytes } from './items.ts'
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
  bytesOf(items: readonly Item[]): number {
    let bytes = 0
    for (const item of items) bytes += itemBytes(item, this.segment.number)
    return bytes
  }

  /** Appends a call; the caller has seen to it that it fits. */
  append(call: Call): void {
    this.#reserve(this.bytesOf(call.items))
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
          ? { kind: item.kind, ...numbered, ...references, payload: item.payload }
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

/** Segments are numbered from 1: no definition lies in this one. */
const NO_SEGMENT = 0

/** The most that a call can take in any segment: each of its definitions is written once. */
export function callBytes(items: readonly Item[]): number {
  let bytes = 0
  const definitions = new Set<Definition>()
  for (const item of items) {
    bytes += itemBytes(item, NO_SEGMENT)
    if (item.kind === 'system') continue
    for (const definition of [item.context, item.shape]) {
      if (definitions.has(definition)) bytes -= definitionBytes(definition)
      definitions.add(definition)
    }
  }
  return bytes
}
