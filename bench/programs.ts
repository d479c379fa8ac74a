import { existsSync, globSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** What the benchmark needs of the system. */
export interface Programs {
  readonly pgbench: string
  readonly pgbouncer: string
}

/** How to get them on Debian, where Debian's are the ones that published figures are about. */
const INSTALL = 'apt-get install postgresql pgbouncer'

/** Finds the programs. @throws {Error} with the line that installs what is missing. */
export function findPrograms(): Programs {
  // Debian's /usr/bin/pgbench is a Perl script that looks for the real one.
  const versions = globSync('/usr/lib/postgresql/*/bin/pgbench').toSorted((a, b) => versionOf(b) - versionOf(a))
  const pgbench = versions[0] ?? find('pgbench')
  const pgbouncer = find('pgbouncer')
  const missing = [...(pgbench === undefined ? ['pgbench'] : []), ...(pgbouncer === undefined ? ['pgbouncer'] : [])]
  if (pgbench === undefined || pgbouncer === undefined) throw new Error(`needs ${missing.join(' and ')}: ${INSTALL}`)
  return { pgbench, pgbouncer }
}

function versionOf(path: string): number {
  return Number.parseInt(path.split('/')[4] ?? '', 10)
}

function find(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}
