import type { Bytes } from '#base'
import type { OpenSession } from '#model'
import type { Classifier } from './classify.ts'
import type { Span } from './codec/index.ts'
import type { ToolComparison } from './live-tools.ts'
import type { McpResource } from './server-port.ts'

/** One request of one caller, as far as the operations need to know it. */
export interface Exchange {
  readonly open: OpenSession
  readonly server: McpResource
  readonly classifier: Classifier
  readonly comparison: ToolComparison
  /** Whether the client speaks 2026-07-28 or later, where results say their type. */
  readonly isModern: boolean
  /** Aborted when the client takes its request back. */
  readonly signal: AbortSignal
  /** Whether somebody is still there to receive an answer. */
  isConnected(): boolean
}

/** The params of a request in the bytes of its message. */
export interface Params {
  readonly body: Bytes
  readonly params?: Span
}
