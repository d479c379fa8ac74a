import { z } from 'zod'
import type { RequestStatus } from '#model'
import type { API_VERSION } from './contract.ts'

/** Filters of `GET /requests`. */
export const requestFilter: z.ZodType<RequestFilterQuery> = z.strictObject({
  status: z.enum(['open', 'approved', 'denied', 'expired', 'used']).optional(),
  mine: z.stringbool().default(false),
  limit: z.coerce.number().int().min(1).max(500).default(100),
})

/** Which requests; `mine`: only one's own. */
export interface RequestFilterQuery {
  readonly status?: RequestStatus | undefined
  readonly mine: boolean
  readonly limit: number
}

/** Body of `POST /requests/REF/approve`. */
export const approvalBody: z.ZodType<{ reason: string }> = z.strictObject({ reason: z.string().max(500).default('') })

/** A request for a held operation, for reading: everything but what exactly was asked. */
export interface RequestFacts {
  readonly ref: string
  readonly status: RequestStatus
  /** The requester's stable id. */
  readonly identityId: string
  /** The AI agent through which they asked, and what it calls itself. */
  readonly agentId?: string
  readonly agentName?: string
  readonly resource: string
  /** The MCP server and the tool through which it came. */
  readonly server?: string
  readonly tool?: string
  readonly verb: string
  /** The text without literals. */
  readonly template: string
  /** Who must answer: `payments-leads:1 and security:1`; who is still missing. */
  readonly need: string
  readonly missing: string
  readonly reason: string
  readonly policies: readonly string[]
  readonly policyHash: string
  readonly openedAtMs: number
  readonly expiresAtMs: number
  readonly usedAtMs?: number
  /** Numbers of the records of the request and of its answers. */
  readonly records: readonly number[]
  readonly answers: readonly {
    readonly identityId: string
    readonly answer: 'approve' | 'deny'
    readonly groups: readonly string[]
    readonly reason: string
    readonly atMs: number
  }[]
  /** Whether whoever looks may answer it now. */
  readonly mayAnswer: boolean
}

/** `GET /requests`: newest first. */
export interface RequestList {
  readonly apiVersion: typeof API_VERSION
  readonly kind: 'RequestList'
  readonly requests: readonly RequestFacts[]
  /** Names of the persons in the requests, by stable id, as far as the roster still has them. */
  readonly names: Readonly<Record<string, string>>
}

/** `GET /requests/REF`, and what answering one gives. */
export interface RequestView {
  readonly apiVersion: typeof API_VERSION
  readonly kind: 'Request'
  readonly request: RequestFacts
  readonly names: Readonly<Record<string, string>>
  /** The exact statement and parameters, or tool, definition and arguments, card data replaced, as JSON text; absent when it was erased. */
  readonly payload?: string
}
