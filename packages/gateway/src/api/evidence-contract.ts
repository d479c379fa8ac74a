import { z } from 'zod'
import type { API_VERSION } from './contract.ts'

/** Body of `POST /evidence`. */
export const evidenceBody: z.ZodType<EvidenceRequest> = z
  .strictObject({
    fromMs: z.number().int().min(0).max(8.64e15),
    toMs: z.number().int().min(0).max(8.64e15),
    disclose: z.enum(['none', 'statements']).default('none'),
  })
  .refine(({ fromMs, toMs }) => fromMs <= toMs, 'fromMs must not be after toMs')

/** Which evidence is asked for; times are milliseconds since the epoch, both ends included. */
export interface EvidenceRequest {
  readonly fromMs: number
  readonly toMs: number
  readonly disclose: 'none' | 'statements'
}

/** Headers of the answer, which is an archive (`application/x-tar`). */
export const EVIDENCE_HEADERS = {
  /** The reference of the record that the pack was built. */
  ref: 'Sallyport-Ref',
  /** SHA-256 of its manifest (hexadecimal). */
  manifest: 'Sallyport-Manifest',
} as const

/** Query of `GET /entitlements`: one of the two, or neither for all. */
export const entitlementFilter: z.ZodType<EntitlementFilter> = z
  .strictObject({ identity: z.string().max(320).optional(), tool: z.string().max(320).optional() })
  .refine(({ identity, tool }) => identity === undefined || tool === undefined, 'identity or tool, not both')

/** Whose entitlements; `tool` is `server/tool`. */
export interface EntitlementFilter {
  readonly identity?: string | undefined
  readonly tool?: string | undefined
}

/** What a permit lets somebody do. */
export interface EntitlementFacts {
  readonly policy: string
  readonly file: string
  readonly line: number
  readonly principal: string
  readonly action: string
  readonly resource: string
  readonly resourceName?: string
  readonly zone?: string
  readonly conditions?: string
  readonly approval: 'always' | 'sometimes' | 'never'
  readonly approvals: readonly { readonly policy: string; readonly approvers: string; readonly conditions?: string }[]
  readonly bans: readonly string[]
  readonly need: string
  readonly owner: string
  readonly reviewed?: string
}

/** An entitlement with when it was last made use of, by whom it was asked about. */
export interface EntitlementView extends EntitlementFacts {
  readonly lastUse?: { readonly ref: string; readonly timeMs: number; readonly uses: number }
}

/** `GET /entitlements`. */
export interface EntitlementList {
  readonly apiVersion: typeof API_VERSION
  readonly kind: 'EntitlementList'
  /** Of an identity: the groups that it was asked about with, and the record that they are from; absent for oneself. */
  readonly groups?: { readonly names: readonly string[]; readonly ref?: string }
  readonly entitlements: readonly EntitlementView[]
}
