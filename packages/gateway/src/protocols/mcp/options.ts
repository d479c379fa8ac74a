import type { Bytes, Clock } from '#base'
import type { Gate, Log, Masking } from '#model'
import type { McpResource, ToolServers } from './server-port.ts'
import type { UnreadLimits } from './unread-answers.ts'

/** Limits of the front, over all resources. */
export interface McpFrontLimits extends UnreadLimits {
  /** Requests under way at a time. */
  readonly maxRequests: number
  /** Of those, under one session. */
  readonly maxRequestsPerSession: number
  /** Sessions of clients up to 2025-11-25 that are remembered. */
  readonly maxLegacySessions: number
  /** From the head of a request to the end of its body. */
  readonly bodyTimeoutMs: number
}

/** What the protocol is connected to. */
export interface McpOptions {
  readonly gate: Gate
  readonly masking: Masking
  readonly servers: ToolServers
  /** As they are pinned now. */
  readonly resources: () => readonly McpResource[]
  readonly clock: Clock
  readonly log: Log
  /** Unguessable bytes. */
  readonly random: (bytes: number) => Bytes
  /** Where clients reach Sallyport: an origin without a path. */
  readonly publicUrl: string
  readonly limits?: McpFrontLimits
}

export const DEFAULT_FRONT_LIMITS: McpFrontLimits = {
  maxRequests: 512,
  maxRequestsPerSession: 64,
  maxLegacySessions: 10_000,
  bodyTimeoutMs: 30_000,
  maxUnreadBytes: 64 << 20,
  answerTimeoutMs: 30_000,
}
