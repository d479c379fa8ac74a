import type { Bytes, JsonObject } from '#base'
import type { ApprovalLink } from './approval.ts'
import type { DecidedShape } from './decision.ts'
import type { Identity } from './identity.ts'
import type { Outcome } from './operation.ts'
import type { Session } from './session.ts'
import type { RecordedVia } from './via.ts'

/** The intent of one operation, recorded before it is sent; also the record of a refusal. */
export interface IntentEntry {
  readonly kind: 'intent'
  readonly timeMs: number
  readonly session: Session
  readonly decided: DecidedShape
  /** The scrubbed payload. */
  readonly payload: Bytes
  /** The tool call behind it, when it comes through an MCP server. */
  readonly via?: RecordedVia
  /** The approval that it runs under, when policy asked for one. */
  readonly approval?: ApprovalLink
}

/** Everything else that is recorded: logins, sessions, changes, readings of the trail. */
export interface EventEntry {
  readonly kind: 'event'
  readonly timeMs: number
  readonly event: TrailEvent
}

/** What happened to the boundary itself or at its doors; `activity` is a closed list per class (`docs/spec/record.md`). */
export interface TrailEvent {
  readonly class: 'authentication' | 'authorize-session' | 'entity-management' | 'api-activity' | 'lifecycle'
  readonly activity: string
  /** The one actor, when one is known; a refused token has none. */
  readonly actor?: Identity
  readonly session?: Session
  readonly client?: { readonly address: string; readonly port: number }
  readonly resource?: string
  readonly status: 'success' | 'failure'
  /** The catalogue's code, on failure. */
  readonly code?: string
  /** Further facts: integers, text, lists; scrubbed by the trail. Never a secret. */
  readonly details?: JsonObject
}

/** An outcome, recorded with the next commit that happens anyway. */
export interface OutcomeEntry {
  readonly kind: 'outcome'
  readonly timeMs: number
  /** The number of the intent's record. */
  readonly intent: number
  readonly outcome: Outcome
}

/** Says that a record is durable on this machine, at this number; not yet that it is in a signed checkpoint. */
export interface Receipt {
  readonly sequence: number
}

/**
 * The one way into the trail. The data path can write it and never read it.
 */
export interface TrailOutlet {
  /**
   * Records entries in order in one commit and resolves when they are durable.
   *
   * @throws {GatewayError} `SP_TRAIL_UNAVAILABLE` when they are not durable: nothing may be sent.
   */
  record(entries: readonly (IntentEntry | EventEntry)[]): Promise<readonly Receipt[]>
  /** Hands over an outcome; it becomes durable with the next commit, at the latest after 250 ms. Never throws, never waits. */
  conclude(entry: OutcomeEntry): void
}
