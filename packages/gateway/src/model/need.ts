/**
 * Who must answer for a held operation: `payments-leads:1 and security:1`. All of them must, whichever policies asked; per group the highest
 * count is what is needed, and one person counts for one group only.
 */

/** How many people of each group must approve. */
export type Need = ReadonlyMap<string, number>

/** Somebody who approved. */
export interface NeedAnswer {
  readonly identityId: string
  /** The groups that they were in when they answered. */
  readonly groups: readonly string[]
}

/** UTF-16 units; an annotation is much shorter, the needs of several tables together may be longer. */
const MAX_NEED_LENGTH = 8_192

/** Reads a need; undefined when it is not of the form `group:count and group:count…` with counts from 1 to 9. */
export function parseNeed(text: string): Need | undefined {
  if (text.length > MAX_NEED_LENGTH) return undefined
  const need = new Map<string, number>()
  for (const part of text.split(' and ')) {
    const [, group, count] = /^(\S(?:.*\S)?):([1-9])$/.exec(part) ?? []
    if (group === undefined || count === undefined) return undefined
    need.set(group, Math.max(need.get(group) ?? 0, Number(count)))
  }
  return need
}

/** Formats a need canonically, sorted by group: two needs are the same if their texts are. */
export function formatNeed(need: Need): string {
  return [...need]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([group, count]) => `${group}:${count}`)
    .join(' and ')
}

/** The union of needs: of each group the highest count. */
export function joinNeeds(needs: readonly Need[]): Need {
  const joined = new Map<string, number>()
  for (const need of needs) {
    for (const [group, count] of need) joined.set(group, Math.max(joined.get(group) ?? 0, count))
  }
  return joined
}

/** Whether these people are enough. Nobody at all is never enough, so an empty need is not met. */
export function isNeedMet(need: Need, answers: readonly NeedAnswer[]): boolean {
  return need.size > 0 && missingFor(need, answers).size === 0
}

/**
 * Who is still missing, when each person counts for one group only and the groups are chosen so that the fewest are missing. A person who
 * answered twice counts once, as at the first time.
 */
export function missingFor(need: Need, answers: readonly NeedAnswer[]): Need {
  const slots = [...need].flatMap(([group, count]) => Array.from({ length: count }, () => group))
  const people = new Map<string, ReadonlySet<string>>()
  for (const { identityId, groups } of answers) if (!people.has(identityId)) people.set(identityId, new Set(groups))
  const filled = fillSlots(slots, [...people.values()])
  const missing = new Map<string, number>()
  slots.forEach((group, slot) => {
    if (!filled.has(slot)) missing.set(group, (missing.get(group) ?? 0) + 1)
  })
  return missing
}

/** A largest matching of people to slots (augmenting paths): which slots are filled. */
function fillSlots(slots: readonly string[], people: readonly ReadonlySet<string>[]): ReadonlySet<number> {
  const personOf = new Map<number, number>()
  // finds the person a slot, asking whoever fills it to move on to another
  const place = (person: number, tried: Set<number>): boolean => {
    for (const [slot, group] of slots.entries()) {
      if (tried.has(slot) || !people[person]?.has(group)) continue
      tried.add(slot)
      const sitting = personOf.get(slot)
      if (sitting !== undefined && !place(sitting, tried)) continue
      personOf.set(slot, person)
      return true
    }
    return false
  }
  people.forEach((_, person) => place(person, new Set()))
  return new Set(personOf.keys())
}
