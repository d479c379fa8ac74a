import { createHash } from 'node:crypto'
import type { UpstreamProvider } from './options.ts'

const MAX_GROUPS = 500
const MAX_GROUP_LENGTH = 256
const MAX_NAME_LENGTH = 200
/** OpenID Connect Core §2: "MUST NOT exceed 255 ASCII characters in length"; some providers do, within reason. */
const MAX_SUBJECT_LENGTH = 1024
const ID_CHARACTERS = 20
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'

/** What an ID token says about a person. */
export interface PersonClaims {
  /** Stable: `usr_` and 20 base32 characters of SHA-256(issuer ‖ NUL ‖ subject). */
  readonly id: string
  readonly issuer: string
  readonly subject: string
  readonly name?: string
  readonly email?: string
  readonly groups: readonly string[]
  readonly mfa: boolean
}

/** Why an ID token names nobody that can be let in. */
export interface UnusableClaims {
  readonly code: 'SP_AUTH_NO_SUBJECT' | 'SP_AUTH_LOGIN_REFUSED'
  readonly reason: string
}

/** Reads the claims of a verified ID token. */
export function readPersonClaims(
  claims: Readonly<Record<string, unknown>>,
  issuer: string,
  upstream: UpstreamProvider,
): PersonClaims | UnusableClaims {
  const subject = claims['sub']
  if (!isSubject(subject)) return { code: 'SP_AUTH_NO_SUBJECT', reason: 'the ID token has no stable subject' }
  const groups = readGroups(claims[upstream.groupsClaim ?? 'groups'])
  // Leaving some out could leave out the one that a ban names.
  if (groups === undefined)
    return { code: 'SP_AUTH_LOGIN_REFUSED', reason: 'the groups claim is not a list of text of a bearable size' }
  const name = readText(claims['name']) ?? readText(claims['preferred_username'])
  const email = readText(claims['email'])
  return {
    id: personId(issuer, subject),
    issuer,
    subject,
    ...(name === undefined ? {} : { name }),
    ...(email === undefined ? {} : { email }),
    groups,
    mfa: isMultiFactor(claims, upstream.mfaAcr ?? []),
  }
}

/** Whether a claim can be a subject: text that names somebody. */
export function isSubject(claim: unknown): claim is string {
  return typeof claim === 'string' && claim.trim() !== '' && claim.length <= MAX_SUBJECT_LENGTH && claim.isWellFormed()
}

/** A person's stable id. */
export function personId(issuer: string, subject: string): string {
  const digest = createHash('sha256').update(`${issuer}\0${subject}`).digest()
  return `usr_${toBase32(digest).slice(0, ID_CHARACTERS)}`
}

function toBase32(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let value = 0
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff
    bits += 8
    for (; bits >= 5; bits -= 5) text += BASE32.charAt((value >> (bits - 5)) & 31)
  }
  return text
}

function readGroups(claim: unknown): readonly string[] | undefined {
  if (claim === undefined || claim === null) return []
  const groups: readonly unknown[] = Array.isArray(claim) ? claim : [claim]
  if (groups.length > MAX_GROUPS || !groups.every(isGroup)) return undefined
  return [...new Set(groups)].toSorted()
}

function isGroup(group: unknown): group is string {
  return typeof group === 'string' && group !== '' && group.length <= MAX_GROUP_LENGTH && group.isWellFormed()
}

/** Text to show: one line of bounded length. It proves nothing. */
function readText(claim: unknown): string | undefined {
  if (typeof claim !== 'string') return undefined
  const text = claim
    .toWellFormed()
    .replaceAll(/\p{C}+/gu, ' ')
    .trim()
    .slice(0, MAX_NAME_LENGTH)
  return text === '' ? undefined : text
}

/** RFC 8176: authentication methods by what they prove: knowledge, possession, or inherence. */
const FACTORS = new Map<string, 'knows' | 'has' | 'is'>([
  ...(['pwd', 'pin', 'kba'] as const).map((method) => [method, 'knows'] as const),
  ...(['otp', 'sms', 'tel', 'hwk', 'swk', 'sc', 'pop'] as const).map((method) => [method, 'has'] as const),
  ...(['face', 'fpt', 'iris', 'retina', 'vbm'] as const).map((method) => [method, 'is'] as const),
])

/** Whether the provider vouches for more than one factor: it says so (`mfa`, a configured `acr`) or names methods of two kinds. */
function isMultiFactor(claims: Readonly<Record<string, unknown>>, mfaAcr: readonly string[]): boolean {
  const { amr, acr } = claims as { amr?: unknown; acr?: unknown }
  if (typeof acr === 'string' && mfaAcr.includes(acr)) return true
  if (!Array.isArray(amr)) return false
  const methods: readonly unknown[] = amr
  if (methods.includes('mfa')) return true
  const factors = methods.flatMap((method) => (typeof method === 'string' ? (FACTORS.get(method) ?? []) : []))
  return new Set(factors).size > 1
}
