import type { Identity } from '#model'

/** Whose entitlements. */
export type EntitlementSubject =
  /** Everything that policy permits. */
  | { readonly kind: 'all' }
  /** What this person or workload may do, themselves and through the tools that they may call. */
  | { readonly kind: 'identity'; readonly identity: Pick<Identity, 'kind' | 'id' | 'groups'> }
  /** Who may see and call this tool, and what it may do in their name. */
  | { readonly kind: 'tool'; readonly server: string; readonly tool: string }

/**
 * One action that one permit lets somebody do. It is read from the policy's scopes; what cannot be said for certain without a request (the
 * permit's conditions, bans and guards that may apply) stands beside it in its author's words. Nothing is permitted that is in no row.
 */
export interface Entitlement {
  /** The permit's `@id`. */
  readonly policy: string
  readonly file: string
  /** From 1. */
  readonly line: number
  /** Who: `persons in support`, `workload ci-bot`, `SQL through ledger/lookup_customer`. */
  readonly principal: string
  readonly principalKind: 'person' | 'workload' | 'via'
  /** The group that the permit is for, when it is for one. */
  readonly group?: string
  /** The id of the one person or workload that the permit is for, when it is. */
  readonly identityId?: string
  /** Of `via`: the MCP server through which the SQL comes. */
  readonly server?: string
  /** Of `via`: the tool through which the SQL comes; absent when it is any of the server's. */
  readonly tool?: string
  /** What: `select`, `ledger/refund`, `readTrail`. */
  readonly action: string
  /** On what, in words: `table cards/public/orders`, `every table in schema cards/public`. */
  readonly resource: string
  /** The name of the configured resource; absent for the boundary itself. */
  readonly resourceName?: string
  /** The zone of that resource. */
  readonly zone?: string
  /** The permit's conditions as its author wrote them, on one line; absent when there are none. */
  readonly conditions?: string
  /** Whether somebody has to approve it each time, only in some cases, or never. */
  readonly approval: 'always' | 'sometimes' | 'never'
  /** Who asks for an approval, and by whom: the permit itself, and guards that reach what it permits. */
  readonly approvals: readonly EntitlementApproval[]
  /** Ids of bans that reach some of what it permits, for some of those whom it permits it; shipped ones among them. */
  readonly bans: readonly string[]
  /** `@need`: the business need that it serves. */
  readonly need: string
  /** `@owner`: who answers for it. */
  readonly owner: string
  /** `@reviewed`: the result of the review, when there was one. */
  readonly reviewed?: string
}

/** A policy that asks for an approval. */
export interface EntitlementApproval {
  readonly policy: string
  /** Who must answer: `payments-leads:1 and security:1`. */
  readonly approvers: string
  /** Its own conditions, when it has some besides the approval. */
  readonly conditions?: string
}
