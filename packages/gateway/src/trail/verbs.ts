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

/** The OCSF activity of a verb such as `SELECT` or `CREATE TABLE`; 99 for what OCSF has no name for. */
export function activityOfVerb(verb: string): number {
  const [word = ''] = verb.toUpperCase().split(' ', 1)
  return Object.hasOwn(BY_FIRST_WORD, word) ? (BY_FIRST_WORD[word] ?? OTHER_ACTIVITY) : OTHER_ACTIVITY
}
