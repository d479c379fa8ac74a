import fc from 'fast-check'

/**
 * Asserts a property. What fast-check would print of a counterexample holds card numbers, so a failure names the seed and path that
 * show it again, and the assertion that failed, whose message has no digits.
 */
export function holds<T>(property: fc.IProperty<T>, numRuns: number): void {
  const details = fc.check(property, { numRuns })
  if (!details.failed) return
  const { seed, counterexamplePath, numRuns: runs } = details
  const cause = details.errorInstance instanceof Error ? details.errorInstance.message : 'no error'
  throw new Error(`failed after ${runs} runs, seed ${seed}, path ${counterexamplePath ?? ''}: ${cause}`)
}
