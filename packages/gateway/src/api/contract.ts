import { z } from 'zod'
import type { JsonObject } from '#base'
import type { TrailStatus } from '#model/read'

/** The version that every answer carries. */
export const API_VERSION = 'sallyport/v1'

/** Filters of `GET /records`, as they stand in the query string. */
export const recordFilter: z.ZodType<RecordFilter> = z.strictObject({
  before: z.coerce.number().int().min(0).optional(),
  after: z.coerce.number().int().min(-1).optional(),
  identity: z.string().max(320).optional(),
  resource: z.string().max(63).optional(),
  session: z.string().max(64).optional(),
  decision: z.enum(['allow', 'deny', 'hold']).optional(),
  phase: z.enum(['intent', 'outcome', 'event']).optional(),
  verb: z.string().max(64).optional(),
  server: z.string().max(63).optional(),
  tool: z.string().max(256).optional(),
  agent: z.string().max(320).optional(),
  approval: z.string().max(32).optional(),
  from: z.coerce.number().int().min(0).optional(),
  to: z.coerce.number().int().min(0).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(50),
})

/** A filter over records; times are milliseconds since the epoch, `identity` is a name, e-mail or stable id. */
export interface RecordFilter {
  readonly before?: number | undefined
  readonly after?: number | undefined
  readonly identity?: string | undefined
  readonly resource?: string | undefined
  readonly session?: string | undefined
  readonly decision?: 'allow' | 'deny' | 'hold' | undefined
  readonly phase?: 'intent' | 'outcome' | 'event' | undefined
  readonly verb?: string | undefined
  readonly server?: string | undefined
  readonly tool?: string | undefined
  readonly agent?: string | undefined
  readonly approval?: string | undefined
  readonly from?: number | undefined
  readonly to?: number | undefined
  readonly limit: number
}

/** Body of `PUT /secrets/NAME` and `POST /secrets/NAME/rotate`. */
export const secretBody: z.ZodType<{ value: string }> = z.strictObject({ value: z.string().min(1).max(8192) })

/** Body of `POST /sessions/ID/end`. */
export const reasonBody: z.ZodType<{ reason: string }> = z.strictObject({ reason: z.string().min(1).max(500) })

/** Body of `POST /revocations`: exactly one of the targets. */
export const revocationBody: z.ZodType<RevocationRequest> = z
  .strictObject({
    token: z.string().max(8192).optional(),
    tokenId: z.string().max(64).optional(),
    grantId: z.string().max(64).optional(),
    person: z.string().max(320).optional(),
    reason: z.string().min(1).max(500),
  })
  .refine(
    ({ reason: _, ...targets }) => Object.values(targets).filter((target) => target !== undefined).length === 1,
    'exactly one of token, tokenId, grantId, person',
  )

/** A request to revoke. */
export interface RevocationRequest {
  readonly token?: string | undefined
  readonly tokenId?: string | undefined
  readonly grantId?: string | undefined
  readonly person?: string | undefined
  readonly reason: string
}

/** `GET /whoami`. */
export interface WhoAmI {
  readonly apiVersion: typeof API_VERSION
  readonly kind: 'WhoAmI'
  readonly identity: {
    readonly id: string
    readonly name: string
    readonly kind: string
    readonly groups: readonly string[]
    readonly mfa: boolean
  }
  readonly resources: readonly {
    readonly name: string
    readonly kind: string
    readonly zone?: string
    readonly connect: 'allow' | 'deny' | 'hold'
  }[]
}

/** A record for reading: the leaf as it stands in the trail, its reference, its outcome. */
export interface RecordView {
  readonly ref: string
  readonly sequence: number
  readonly leaf: JsonObject
  readonly outcome?: JsonObject
}

/** `GET /records`. */
export interface RecordList {
  readonly apiVersion: typeof API_VERSION
  readonly kind: 'RecordList'
  readonly records: readonly RecordView[]
  /** Names of the persons in the records, by stable id, as far as the roster still has them. */
  readonly names: Readonly<Record<string, string>>
  readonly indexed: number
}

/** `GET /records/REF`. */
export interface RecordExplanation {
  readonly apiVersion: typeof API_VERSION
  readonly kind: 'RecordExplanation'
  readonly record: RecordView
  readonly names: Readonly<Record<string, string>>
  readonly explanation: readonly string[]
  /** The tool calls that may have caused it. */
  readonly causes: readonly RecordView[]
  /** What it may have caused, when it is a tool call; in order, the first 50. */
  readonly caused: readonly RecordView[]
  /** Of the request for approval that it is about: that it was opened, its answers, what ran under it; in order, the first 50. */
  readonly request: readonly RecordView[]
}

/** `GET /records/REF/payload`. */
export interface PayloadView {
  readonly apiVersion: typeof API_VERSION
  readonly kind: 'Payload'
  readonly ref: string
  readonly payload: string
}

/** A live session for reading. */
export interface SessionView {
  readonly id: string
  readonly identity: { readonly id: string; readonly name: string }
  readonly resource: string
  readonly client: string
  readonly startedAtMs: number
  readonly endsAtMs: number
  readonly lastActiveMs: number
  readonly operations: number
  readonly running: number
  readonly tokenId: string
  readonly grantId: string
}

/** `GET /sessions`. */
export interface SessionList {
  readonly apiVersion: typeof API_VERSION
  readonly kind: 'SessionList'
  readonly sessions: readonly SessionView[]
}

/** `GET /secrets`. */
export interface SecretList {
  readonly apiVersion: typeof API_VERSION
  readonly kind: 'SecretList'
  readonly secrets: readonly {
    readonly name: string
    readonly version: number
    readonly createdAtMs: number
    readonly rotatedAtMs: number
    readonly lastUsedAtMs?: number
  }[]
}

/** `GET /trail/status`. */
export interface TrailStatusView extends TrailStatus {
  readonly apiVersion: typeof API_VERSION
  readonly kind: 'TrailStatus'
}

/** `POST /trail/verify`. */
export interface TrailVerification {
  readonly apiVersion: typeof API_VERSION
  readonly kind: 'TrailVerification'
  readonly exitCode: number
  readonly lines: readonly string[]
}

/** An error, as RFC 9457 has it. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly ref?: string
  readonly next: string
}
