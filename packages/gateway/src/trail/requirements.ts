import type { JsonObject } from '#base'
import { GatewayError } from '#model'
import { jsonBytes, MAX_NAME_BYTES } from './bounds.ts'

/** The latest time that a Date can hold. */
const MAX_TIME_MS = 8.64e15

/**
 * Checks at write that a record has what its OCSF class requires: a record that does not is refused before anything of it is appended, and so is
 * what it was to be the record of.
 *
 * @throws {GatewayError} `SP_TRAIL_UNAVAILABLE`; the message names the path, never the value.
 */
export function invalidRecord(path: string): GatewayError {
  return new GatewayError('SP_TRAIL_UNAVAILABLE', `the record is not valid: ${path}`)
}

/** A name or id: there, well-formed, not too long. */
export function requireName(value: string, path: string): string {
  if (typeof value !== 'string' || value === '' || !value.isWellFormed()) throw invalidRecord(path)
  if (jsonBytes(value) > MAX_NAME_BYTES) throw invalidRecord(path)
  return value
}

/** A text that may be empty. RFC 8785 has no form for lone surrogates. */
export function requireText(value: string, path: string): string {
  if (typeof value !== 'string' || !value.isWellFormed()) throw invalidRecord(path)
  return value
}

/** A safe integer from 0; a fraction of a time is dropped. */
export function requireCount(value: number, path: string): number {
  const count = Math.floor(value)
  if (!Number.isSafeInteger(count) || count < 0) throw invalidRecord(path)
  return count
}

/** A time in milliseconds since the epoch; a fraction is kept out of the leaf by its derivation. */
export function requireTime(value: number): number {
  if (!Number.isFinite(value) || value < 0 || value > MAX_TIME_MS) throw invalidRecord('time')
  return value
}

/** Whether a leaf has all top-level attributes of these names. */
export function requireMembers(leaf: JsonObject, names: readonly string[]): void {
  for (const name of names) if (leaf[name] === undefined) throw invalidRecord(name)
}
