import type { Complexity } from './complexity.ts'

/** What a text may have at most, in bytes of UTF-8. */
export const MAX_TEXT_BYTES: number = 1024 * 1024

/** Templates are made from this much of a text; longer ones are cut, and so is what their fingerprint covers. In UTF-16 units. */
export const MAX_SCANNED_LENGTH: number = 64 * 1024

/**
 * Beyond these a text is refused without being parsed. The parser's instance breaks at a depth of some 35,000 (4 MB of stack), PostgreSQL
 * itself at less (max_stack_depth 2 MB); a million tokens cost it 500 MB.
 */
const refused: Omit<Complexity, 'boundary'> = {
  tokens: 250_000,
  depth: 2000,
  operatorRun: 256,
  nestedComments: 256,
  semicolons: 1000,
  rowAssignments: 1000,
}

/** What the fast lane takes: some tenths of a millisecond of the parser's time. */
const simple: Omit<Complexity, 'boundary'> = {
  tokens: 400,
  depth: 60,
  operatorRun: 16,
  nestedComments: 8,
  semicolons: 50,
  rowAssignments: 0,
}

/** Longer texts are not even looked at on the main thread. In UTF-16 units. */
export const MAX_SIMPLE_LENGTH = 4096

/** Whether a text is refused without being parsed. */
export function isTooComplex(complexity: Complexity): boolean {
  return exceeds(complexity, refused)
}

/** Whether a text can be trusted to take the parser little time. */
export function isSimple(complexity: Complexity): boolean {
  return !exceeds(complexity, simple)
}

function exceeds(complexity: Complexity, limit: Omit<Complexity, 'boundary'>): boolean {
  return (
    complexity.tokens > limit.tokens ||
    complexity.depth > limit.depth ||
    complexity.operatorRun > limit.operatorRun ||
    complexity.nestedComments > limit.nestedComments ||
    complexity.semicolons > limit.semicolons ||
    complexity.rowAssignments > limit.rowAssignments
  )
}
