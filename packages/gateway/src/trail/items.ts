import type { Bytes, JsonObject } from '#base'
import { canonicalJson } from '#base'
import {
  type DecidedShape,
  type EventEntry,
  GatewayError,
  type IntentEntry,
  MAX_PAYLOAD_BYTES,
  type OutcomeEntry,
  type Resource,
  type Scrubber,
  type Session,
} from '#model'
import { ENTRY_HEADER_BYTES, OUTCOME_BYTES } from './entry.ts'
import { encodeFacts, eventFacts } from './event-facts.ts'
import { encodeLinks } from './link-facts.ts'
import { contextFacts, shapeFacts } from './operation-facts.ts'
import { type OutcomeFacts, outcomeFacts } from './outcome-facts.ts'
import { invalidRecord, requireTime } from './requirements.ts'

/**
 * A definition as the segments get it: written once into each segment that uses it. Which segment had it last, under which number, is kept here, so
 * that one look-up answers both.
 */
export interface Definition {
  readonly kind: 'context' | 'shape'
  readonly json: Bytes
  segment: number
  number: number
}

/** A shape with the kind of resource that it was decided for. */
interface ShapeDefinition extends Definition {
  readonly resourceKind: Resource['kind']
}

/** An intent or outcome that refers to its definitions. */
export interface OperationItem {
  readonly context: Definition
  readonly shape: Definition
  readonly timeMs: number
}

/** A record that was checked and has only to be appended. */
export type Item =
  | ({ readonly kind: 'intent'; readonly links: Bytes; readonly payload: Bytes } & OperationItem)
  | ({ readonly kind: 'outcome'; readonly intent: number; readonly facts: OutcomeFacts } & OperationItem)
  | { readonly kind: 'system'; readonly timeMs: number; readonly json: Bytes }

/** Checks and scrubs what is to be recorded, so that appending it cannot fail. */
export class ItemMaker {
  readonly #scrubber: Scrubber
  readonly #product: JsonObject
  readonly #contexts = new WeakMap<Session, Definition>()
  readonly #shapes = new WeakMap<DecidedShape, ShapeDefinition>()

  constructor(scrubber: Scrubber, product: JsonObject) {
    this.#scrubber = scrubber
    this.#product = product
  }

  /** @throws {GatewayError} `SP_TRAIL_UNAVAILABLE` for a record that would not be valid, `SP_OPERATION_TOO_LARGE` for a payload beyond the bound. */
  record(entry: IntentEntry | EventEntry): Item {
    const timeMs = requireTime(entry.timeMs)
    if (entry.kind === 'event') {
      return { kind: 'system', timeMs, json: encodeFacts(eventFacts(entry.event, this.#scrubber, this.#product)) }
    }
    if (entry.payload.length > MAX_PAYLOAD_BYTES) {
      throw new GatewayError(
        'SP_OPERATION_TOO_LARGE',
        `a payload of ${entry.payload.length} bytes; the trail takes ${MAX_PAYLOAD_BYTES}`,
      )
    }
    const context = this.#context(entry.session)
    const shape = this.#shape(entry.decided, entry.session.resource.kind)
    return { kind: 'intent', timeMs, context, shape, links: encodeLinks(entry), payload: entry.payload }
  }

  /** An outcome of an intent that this maker made an item of; never throws. */
  outcome(entry: OutcomeEntry, intent: Pick<OperationItem, 'context' | 'shape'>, nowMs: number): Item {
    const timeMs = Number.isFinite(entry.timeMs) && entry.timeMs >= 0 ? entry.timeMs : nowMs
    const facts = outcomeFacts(entry.outcome, this.#scrubber)
    return { kind: 'outcome', timeMs, intent: entry.intent, context: intent.context, shape: intent.shape, facts }
  }

  /** A record that the trail writes of itself. */
  own(facts: JsonObject, timeMs: number): Item {
    return { kind: 'system', timeMs, json: encodeFacts(facts) }
  }

  #context(session: Session): Definition {
    let definition = this.#contexts.get(session)
    if (definition === undefined) {
      definition = define('context', contextFacts(session, this.#scrubber))
      this.#contexts.set(session, definition)
    }
    return definition
  }

  #shape(decided: DecidedShape, resourceKind: Resource['kind']): Definition {
    let definition = this.#shapes.get(decided)
    if (definition === undefined) {
      definition = { ...define('shape', shapeFacts(decided, resourceKind, this.#scrubber)), resourceKind }
      this.#shapes.set(decided, definition)
    }
    // A statement is not a tool call, whoever decided it: a shape belongs to one kind of resource.
    if (definition.resourceKind !== resourceKind) throw invalidRecord('class_uid')
    return definition
  }
}

function define(kind: 'context' | 'shape', facts: JsonObject): Definition {
  return { kind, json: Buffer.from(canonicalJson(facts)), segment: -1, number: 0 }
}

/** The bytes that items take in a segment, with each definition that the segment does not have yet. */
export function itemsBytes(items: readonly Item[], segment: number): number {
  let bytes = 0
  const counted = new Set<Definition>()
  for (const item of items) {
    bytes += ownBytes(item)
    if (item.kind === 'system') continue
    for (const definition of [item.context, item.shape]) {
      if (definition.segment === segment || counted.has(definition)) continue
      bytes += ENTRY_HEADER_BYTES + definition.json.length
      if (items.length > 1) counted.add(definition)
    }
  }
  return bytes
}

function ownBytes(item: Item): number {
  switch (item.kind) {
    case 'intent':
      return ENTRY_HEADER_BYTES + item.links.length + item.payload.length
    case 'outcome':
      return ENTRY_HEADER_BYTES + OUTCOME_BYTES + item.facts.extra.length
    case 'system':
      return ENTRY_HEADER_BYTES + item.json.length
    default:
      return item satisfies never
  }
}
