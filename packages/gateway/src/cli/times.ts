/** RFC 3339 §5.6, with less of the time, or no offset: a day, or a day with the time of it. */
const ISO = /^(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)([Zz]|[+-]\d{2}:\d{2})?)?$/

/**
 * Reads a day or an ISO time into milliseconds since the epoch; undefined for what is neither. All times that are shown
 * are UTC, and so is what has no offset: `Date.parse` would take the zone of whatever machine the command runs on.
 */
export function parseIso(text: string): number | undefined {
  const [, day, time = '00:00', offset = 'Z'] = ISO.exec(text) ?? []
  if (day === undefined) return undefined
  const at = Date.parse(`${day}T${time}${offset.toUpperCase()}`)
  return Number.isNaN(at) ? undefined : at
}
