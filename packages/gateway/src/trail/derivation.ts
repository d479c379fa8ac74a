import { type PayloadCommitment, sealPayload } from '@sallyport/verifier'
import type { Bytes } from '#base'
import type { Entry, IntentRecordEntry } from './entry.ts'
import { recordKey } from './key-schedule.ts'
import { type ContextText, contextText, LeafWriter, type ShapeText, shapeText } from './leaf.ts'
import type { ContextFacts, ShapeFacts } from './operation-facts.ts'
import { completedIntent, openIntent, type OpenIntent } from './open-intents.ts'
import type { SegmentHeader } from './segment-header.ts'
import { damaged } from './segment-reader.ts'

/** A record as it goes into the log. */
export interface DerivedRecord {
  readonly leaf: string
  readonly blob: Bytes | undefined
  /** Set when it begins an operation. */
  readonly opens?: OpenIntent
  /** Set when it ends one: the number of the intent. */
  readonly closes?: number
  /** Whether it says that the trail was started, and with it what was cut. */
  readonly isStart?: boolean
}

/**
 * Turns the entries of one segment into records. The result follows from the entry and its segment alone: no clock, no randomness, no configuration is
 * read, so deriving again gives the same bytes.
 */
export class Derivation {
  readonly #header: SegmentHeader
  readonly #dayKey: Bytes
  readonly #writer: LeafWriter
  readonly #contexts = new Map<number, ContextText>()
  readonly #shapes = new Map<number, ShapeText>()

  constructor(header: SegmentHeader, dayKey: Bytes) {
    this.#header = header
    this.#dayKey = dayKey
    this.#writer = new LeafWriter(header)
  }

  /** The segment that the entries come from. */
  get segment(): number {
    return this.#header.segment
  }

  /** Takes a definition in, or derives a record. `isWanted` false: the record is in the log already. */
  take(entry: Entry, isWanted: (index: number) => boolean): DerivedRecord | undefined {
    switch (entry.kind) {
      case 'context':
        // The segment is sealed: the body has the form that contextFacts gave it.
        this.#contexts.set(entry.number, contextText(parse(entry.json) as ContextFacts))
        return undefined
      case 'shape':
        this.#shapes.set(entry.number, shapeText(parse(entry.json) as ShapeFacts))
        return undefined
      default:
        return isWanted(entry.index) ? this.#record(entry) : undefined
    }
  }

  #record(entry: Exclude<Entry, { kind: 'context' | 'shape' }>): DerivedRecord {
    if (entry.kind === 'system') {
      const { text, facts } = this.#writer.system(entry)
      const closes = completedIntent(facts)
      const unmapped = facts['unmapped'] as { readonly lifecycle?: string } | undefined
      const isStart = unmapped?.lifecycle === 'start'
      return { leaf: text, blob: undefined, isStart, ...(closes === undefined ? {} : { closes }) }
    }
    const context = this.#contexts.get(entry.context)
    const shape = this.#shapes.get(entry.shape)
    if (context === undefined || shape === undefined)
      throw damaged(this.segment, `record ${entry.index} lacks a definition`)
    if (entry.kind === 'outcome') {
      return { leaf: this.#writer.outcome(entry, context, shape), blob: undefined, closes: entry.intent }
    }
    const { blob, commitment } = this.#seal(entry)
    const leaf = this.#writer.intent(entry, context, shape, commitment)
    return { leaf, blob, opens: openIntent(entry, context, shape) }
  }

  /** The pair (record key, nonce) is used once: an index that is used again after a cut lies in another segment, which has another nonce. */
  #seal(entry: IntentRecordEntry): { readonly blob: Bytes; readonly commitment: PayloadCommitment } {
    const { keyId, payloadNonce } = this.#header
    return sealPayload(entry.payload, { id: keyId, bytes: recordKey(this.#dayKey, entry.index), nonce: payloadNonce })
  }
}

function parse(json: Bytes): unknown {
  return JSON.parse(Buffer.from(json).toString('utf8'))
}
