import { writeSync } from 'node:fs'
import { pino } from 'pino'
import type { Log, Scrubber } from '#model'

/** How much the log says. */
export type LogLevel = 'info' | 'warn' | 'error' | 'silent'

/** A log of JSON lines on standard error; every text of a line passes the scrubber, so that no card number reaches it. */
export function createLog(scrubber: Scrubber, level: LogLevel): Log {
  const target = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, standardError)
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

/**
 * A full disk, or a reader that went away, costs lines of the log and nothing else: what must be on record is in the trail. Pino's own
 * destination would stop the process until there is room.
 */
const standardError: pino.DestinationStream = {
  write: (line) => {
    try {
      writeSync(2, line)
    } catch {
      // Nobody is left to be told.
    }
  },
}
