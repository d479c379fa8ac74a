import { VerifierError } from '../errors.ts'
import { textAt } from './members.ts'

/** Names of identities as they were when the pack was made. They are no part of the log: records name people by ids. */
export class Roster {
  readonly #names: ReadonlyMap<string, string>

  constructor(names: ReadonlyMap<string, string>) {
    this.#names = names
  }

  nameOf(id: string | null): string | null {
    return id === null ? null : (this.#names.get(id) ?? null)
  }

  /** The names of several, of those unknown the id. */
  namesOf(ids: readonly string[]): readonly string[] {
    return ids.map((id) => this.#names.get(id) ?? id)
  }
}

/** More than an id and a name have. */
const MAX_LINE_CHARACTERS = 16_384

/** A line for each identity that has a name, sorted by id. */
export function formatRoster(names: ReadonlyMap<string, string>): string {
  const ids = [...names.keys()].sort()
  return ids.map((id) => `{"id":${JSON.stringify(id)},"name":${JSON.stringify(names.get(id))}}\n`).join('')
}

/** The exact inverse of `formatRoster`. @throws {VerifierError} `SP_PACK_MALFORMED` */
export function parseRoster(text: string): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  for (const line of text.split('\n').slice(0, -1)) {
    const entry = parseLine(line)
    const [id, name] = [textAt(entry, 'id'), textAt(entry, 'name')]
    if (id === null || name === null) throw malformed()
    names.set(id, name)
  }
  if (formatRoster(names) !== text) throw malformed()
  return names
}

function parseLine(line: string): unknown {
  if (line.length > MAX_LINE_CHARACTERS) throw malformed()
  try {
    return JSON.parse(line) as unknown
  } catch {
    throw malformed()
  }
}

function malformed(): VerifierError {
  return new VerifierError('SP_PACK_MALFORMED', 'the roster is not a line for each identity, sorted by id')
}
