import type { Bytes } from '#base'
import type { OpenSession } from '#model'
import type { Span } from './codec/index.ts'
import type { Served } from './served.ts'

/** One request of one caller, as far as the operations need to know it. */
export interface Exchange {
  readonly open: OpenSession
  /** Whether the client speaks 2026-07-28 or later, where results say their type. */
  readonly isModern: boolean
  /** Aborted when the client takes its request back. */
  readonly signal: AbortSignal
  /** The resource as it is pinned at the moment of asking: other pins may come in force while something waits. */
  readonly served: () => Served
  /** Whether somebody is still there to receive an answer. */
  isConnected(): boolean
  /** Whether the caller has taken enough of the answers before. */
  mayAnswer(): boolean
}

/** The params of a request in the bytes of its message. */
export interface Params {
  readonly body: Bytes
  readonly params?: Span
}
