import { formatRef, parseRef } from '#base'
import { CommandError, EXIT } from './exit-codes.ts'

/** As much of what was typed is said again. */
const SHOWN_CHARACTERS = 32

/**
 * Reads a reference that somebody typed, before anybody is asked about it: an empty one would ask for all there is.
 *
 * @throws {CommandError} for what cannot be one.
 */
export function readReference(text: string): string {
  const sequence = parseRef(text)
  if (sequence !== undefined) return formatRef(sequence)
  throw new CommandError(
    EXIT.usage,
    `${JSON.stringify(text.slice(0, SHOWN_CHARACTERS))} is not a reference`,
    'give it as it was shown, for instance 0YG20; its last character checks the others',
  )
}
