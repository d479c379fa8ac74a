import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import type { Clock, Ids } from '#base'
import type { Log, Scrubber } from '#model'

/** The machine's clock: the only place of the gateway that asks it. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'

/** Identifiers of 26 base32 characters: 130 random bits. */
export const systemIds: Ids = {
  next: () => Array.from(randomBytes(26), (byte) => ALPHABET.charAt(byte & 31)).join(''),
}

/** How much the log says. */
export type LogLevel = 'info' | 'warn' | 'error' | 'silent'

/** A log of JSON lines on standard error; every text of a line passes the scrubber, so that no card number reaches it. */
export function createLog(scrubber: Scrubber, level: LogLevel): Log {
  const target = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2))
  const scrubbed = (
    facts: Readonly<Record<string, string | number | boolean>> = {},
  ): Record<string, string | number | boolean> =>
    Object.fromEntries(
      Object.entries(facts).map(([key, value]) => [key, typeof value === 'string' ? scrubber.scrubText(value) : value]),
    )
  return {
    info: (event, facts) => {
      target.info(scrubbed(facts), event)
    },
    warn: (event, facts) => {
      target.warn(scrubbed(facts), event)
    },
    error: (event, facts) => {
      target.error(scrubbed(facts), event)
    },
  }
}
