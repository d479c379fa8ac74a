import type { Compilable, Kysely } from 'kysely'
import type { Tables } from './tables.ts'

/**
 * A query for one row that is built once, when the store is opened: building one takes ten times as long as SQLite takes to answer it, and what
 * checks a token is asked with every request.
 *
 * @param build called once, with texts that stand for the parameters; none of them may be part of a value.
 */
export function keptQuery<Parameters extends readonly string[], Row>(
  database: Kysely<Tables>,
  build: (...parameters: Parameters) => Compilable<Row>,
): (...parameters: Parameters) => Promise<Row | undefined> {
  const standIns = Array.from({ length: build.length }, (_, index) => `?${index}`)
  const query = build(...(standIns as readonly string[] as Parameters)).compile()
  const places = query.parameters.map((value) => standIns.indexOf(String(value)))
  if (places.includes(-1)) throw new TypeError('a kept query holds nothing but its parameters')
  return async (...parameters) => {
    const values = places.map((place) => parameters[place])
    const { rows } = await database.executeQuery<Row>({ ...query, parameters: values })
    return rows[0]
  }
}
