import { existsSync, globSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Debian's /usr/bin/pgbench is a Perl script that looks for the real one. */
export function findPgbench(): string | undefined {
  const versions = globSync('/usr/lib/postgresql/*/bin/pgbench').toSorted((a, b) => versionOf(b) - versionOf(a))
  return versions[0] ?? findProgram('pgbench')
}

/** Finds a program, also where only root looks. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}

/** Says which programs are missing, and how to get them. */
export function missing(programs: Readonly<Record<string, string | undefined>>, install: string): Error {
  const names = Object.entries(programs).flatMap(([name, path]) => (path === undefined ? [name] : []))
  return new Error(`needs ${names.join(' and ')}: ${install}`)
}

function versionOf(path: string): number {
  return Number.parseInt(path.split('/')[4] ?? '', 10)
}
