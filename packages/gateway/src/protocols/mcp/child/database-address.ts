import type { PrivateDoor } from '#model'
import { INSIDE } from './isolation/sandbox.ts'

/** What a child's environment says of its database, in the words of libpq; the way there is Sallyport's own. */
export function databaseAddress(door: PrivateDoor): Readonly<Record<string, string>> {
  const { user, database } = door
  const port = String('port' in door.address ? door.address.port : INSIDE.databasePort)
  const password = door.token.expose()
  return {
    DATABASE_URL: `postgresql://${user}:${password}@${HOST}:${port}/${database}?sslmode=disable`,
    PGHOST: HOST,
    PGPORT: port,
    PGUSER: user,
    PGPASSWORD: password,
    PGDATABASE: database,
    PGSSLMODE: 'disable',
  }
}

const HOST = '127.0.0.1'

/**
 * The environment of a child: what is configured, and the address of its database. A server that wants the address under another name gets it by
 * `${DATABASE_URL}` in a value.
 */
export function environmentOf(
  configured: Readonly<Record<string, string>>,
  address: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const filled = Object.entries(configured).map(([name, value]) => [
    name,
    value.replaceAll(/\$\{(DATABASE_URL|PG[A-Z]+)\}/g, (text, key: string) => address[key] ?? text),
  ])
  return { ...(Object.fromEntries(filled) as Record<string, string>), ...address }
}
