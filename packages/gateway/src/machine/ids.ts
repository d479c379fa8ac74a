import { randomBytes } from 'node:crypto'
import type { Ids } from '#base'

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'

/** Identifiers of 26 base32 characters: 130 random bits. */
export const systemIds: Ids = {
  next: () => Array.from(randomBytes(26), (byte) => ALPHABET.charAt(byte & 31)).join(''),
}
