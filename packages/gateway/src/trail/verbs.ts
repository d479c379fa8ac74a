import type { Resource } from '#model'

/** OCSF Datastore Activity, `activity_id`. */
const UPDATE = 2
const QUERY = 4
const WRITE = 5
const CREATE = 6
const DELETE = 7
/** OCSF: "The event activity is not mapped. See the activity_name attribute". */
export const OTHER_ACTIVITY = 99

const BY_FIRST_WORD: Readonly<Record<string, number>> = {
  ALTER: UPDATE,
  CREATE,
  DELETE,
  DROP: DELETE,
  INSERT: WRITE,
  MERGE: WRITE,
  SELECT: QUERY,
  TABLE: QUERY,
  TRUNCATE: DELETE,
  UPDATE,
  VALUES: QUERY,
}

/** OCSF API Activity, `activity_id`: what a tool does, creating or deleting, its server alone knows. */
const READ = 2
const BY_METHOD: Readonly<Record<string, number>> = { 'TOOLS/LIST': READ }

/**
 * The OCSF activity of a verb such as `SELECT` or `CREATE TABLE`, or of a method of an MCP server such as `tools/call`; 99 for what OCSF has no
 * name for.
 */
export function activityOfVerb(verb: string, resourceKind: Resource['kind']): number {
  const [word = ''] = verb.toUpperCase().split(' ', 1)
  const activities = resourceKind === 'mcp' ? BY_METHOD : BY_FIRST_WORD
  return Object.hasOwn(activities, word) ? (activities[word] ?? OTHER_ACTIVITY) : OTHER_ACTIVITY
}
