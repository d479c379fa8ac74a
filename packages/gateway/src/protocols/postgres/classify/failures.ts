import type { Shape } from '#model'
import type { Classification } from '../classifier.ts'
import type { Parsed } from './parse.ts'

/**
 * The shapes of texts that were not understood at all. They hold nothing of the text, so all of one kind share one, and their fingerprints
 * are no digests.
 */
function unparsed(incomplete: string, fingerprint: string): Shape {
  const shape: Shape = { verb: 'UNPARSED', accesses: [], incomplete, template: 'unparsed', fingerprint }
  Object.freeze(shape.accesses)
  return Object.freeze(shape)
}

const syntaxErrorShape = unparsed('the parser found a syntax error', '1'.padStart(32, '0'))

/** A syntax error, with its 1-based character and PostgreSQL's words for it. */
export function syntaxError(parsed: Extract<Parsed, { kind: 'syntax-error' }>): Classification {
  const { position, message } = parsed
  return { kind: 'syntax-error', shape: syntaxErrorShape, position, message }
}

export const tooLarge: Classification = {
  kind: 'failed',
  shape: unparsed('the text is larger or deeper than the limit', '2'.padStart(32, '0')),
  code: 'SP_OPERATION_TOO_LARGE',
}

export const broken: Classification = {
  kind: 'failed',
  shape: unparsed('the text broke the parser', '3'.padStart(32, '0')),
  code: 'SP_CLASSIFIER_FAILED',
}

export const busy: Classification = {
  kind: 'failed',
  shape: unparsed('too many texts wait for the parser', '4'.padStart(32, '0')),
  code: 'SP_CLASSIFIER_BUSY',
}
