/**
 * `@approvers("payments-leads:1 and security:1")`: how many people of which groups must answer. All of them must, whichever policies
 * asked; per group the highest count is what is needed.
 */

/** How many people of each group must approve. */
export type Need = ReadonlyMap<string, number>

/** Reads an `@approvers` text; undefined when it is not of the form `group:count and group:count…` with counts from 1 to 9. */
export function parseApprovers(text: string): Need | undefined {
  const need = new Map<string, number>()
  for (const part of text.split(' and ')) {
    const [, group, count] = /^(\S(?:.*\S)?):([1-9])$/.exec(part) ?? []
    if (group === undefined || count === undefined) return undefined
    need.set(group, Math.max(need.get(group) ?? 0, Number(count)))
  }
  return need
}

/** The union of needs. */
export function joinNeeds(needs: readonly Need[]): Need {
  const joined = new Map<string, number>()
  for (const need of needs) {
    for (const [group, count] of need) joined.set(group, Math.max(joined.get(group) ?? 0, count))
  }
  return joined
}

/** Formats a need, sorted by group: `payments-leads:1, security:1`. */
export function formatNeed(need: Need): string {
  return [...need]
    .map(([group, count]) => `${group}:${count}`)
    .sort()
    .join(', ')
}
