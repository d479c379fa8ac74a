/** The tables, as kysely types them. Times are epoch milliseconds, truth values 0 and 1. */
export interface Tables {
  artefacts: ArtefactRow
  roster: RosterRow
  logins: LoginRow
  revocations: RevocationRow
  secrets: SecretRow
  keys: KeyRow
  requests: RequestRow
  schema_version: { version: number }
}

export interface ArtefactRow {
  model: string
  digest: string
  sealed: Uint8Array
  grant_id: string | null
  token_id: string | null
  uid_digest: string | null
  user_code_digest: string | null
  expires_at_ms: number
  keep_until_ms: number
  consumed_at_ms: number | null
}

export interface RosterRow {
  id: string
  kind: 'person' | 'workload'
  issuer: string
  subject: string
  name: string | null
  email: string | null
  /** A JSON array of text. */
  groups: string
  first_seen_ms: number
  last_seen_ms: number
}

export interface LoginRow {
  grant_id: string
  identity_id: string
  client_id: string
  mfa: number
  created_at_ms: number
  ends_at_ms: number
  revoked_at_ms: number | null
  revoked_by: string | null
  revoke_reason: string | null
}

interface RevocationRow {
  kind: 'token' | 'identity'
  id: string
  at_ms: number
  revoked_by: string
  reason: string
  keep_until_ms: number
}

export interface SecretRow {
  name: string
  sealed: Uint8Array
  version: number
  created_at_ms: number
  rotated_at_ms: number
  last_used_at_ms: number | null
}

interface KeyRow {
  name: string
  sealed: Uint8Array
  created_at_ms: number
}

export interface RequestRow {
  ref: string
  digest: string
  identity_id: string
  agent_id: string | null
  agent_name: string | null
  resource: string
  server: string | null
  tool: string | null
  verb: string
  template: string
  need: string
  reason: string
  /** A JSON array of text. */
  policies: string
  policy_hash: string
  sealed: Uint8Array
  opened_at_ms: number
  expires_at_ms: number
  status: 'open' | 'approved' | 'denied' | 'expired' | 'used'
  /** A JSON array of numbers. */
  records: string
  /** A JSON array of answers. */
  answers: string
  /** How many answers there are: what a change finds must be what it was decided on. */
  answer_count: number
  used_at_ms: number | null
}
