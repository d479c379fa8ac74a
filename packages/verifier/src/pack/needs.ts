/** How many people of each group must approve: `payments-leads:1 and security:1`. */
export type Need = ReadonlyMap<string, number>

/** Somebody who approved, with the groups that they were in then. */
export interface Approver {
  readonly id: string
  readonly groups: readonly string[]
}

/** Longer than any need that the gateway writes, in UTF-16 units. */
const MAX_NEED_LENGTH = 8_192
/** More people than anybody asks. Whoever signs a pack writes its needs too: they must not keep the check busy. */
const MAX_PEOPLE = 256
/** Answers that are looked at: of more the first do. */
const MAX_APPROVERS = 1_024

/** Reads a need; undefined when it is none, or one of more people than a check takes on. */
export function parseNeed(text: string): Need | undefined {
  if (text.length > MAX_NEED_LENGTH) return undefined
  const need = new Map<string, number>()
  for (const part of text.split(' and ')) {
    const [, group, count] = /^(\S(?:.*\S)?):([1-9])$/.exec(part) ?? []
    if (group === undefined || count === undefined) return undefined
    need.set(group, Math.max(need.get(group) ?? 0, Number(count)))
  }
  const people = [...need.values()].reduce((sum, count) => sum + count, 0)
  return people <= MAX_PEOPLE ? need : undefined
}

/** What several needs come to: of each group the highest count, sorted by group, as the gateway writes it. */
export function joinNeeds(needs: readonly Need[]): string {
  const joined = new Map<string, number>()
  for (const need of needs)
    for (const [group, count] of need) joined.set(group, Math.max(joined.get(group) ?? 0, count))
  return [...joined]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([group, count]) => `${group}:${count}`)
    .join(' and ')
}

/** Whether these people are enough, when each counts once, for one of their groups. Nobody is never enough. */
export function isNeedMet(need: Need, approvers: readonly Approver[]): boolean {
  const places = [...need].flatMap(([group, count]) => Array.from({ length: count }, () => group))
  const people = new Map<string, ReadonlySet<string>>()
  for (const { id, groups } of approvers.slice(0, MAX_APPROVERS)) if (!people.has(id)) people.set(id, new Set(groups))
  const groupsOf = [...people.values()]
  const takenBy = new Map<number, number>()
  // Finds a place for a person; whoever sits on it moves on to another, if there is one (augmenting paths).
  const seat = (person: number, tried: Set<number>): boolean =>
    places.some((group, place) => {
      if (tried.has(place) || groupsOf[person]?.has(group) !== true) return false
      tried.add(place)
      const sitting = takenBy.get(place)
      if (sitting !== undefined && !seat(sitting, tried)) return false
      takenBy.set(place, person)
      return true
    })
  return places.length > 0 && groupsOf.filter((_, person) => seat(person, new Set())).length >= places.length
}
