import { readFileSync } from 'node:fs'
import type { Access } from '#model'

/** One statement of `testdata/sql`, as its README says. */
export interface SqlVector {
  readonly sql: string
  readonly verb: string
  readonly accesses: readonly string[]
  readonly incomplete?: string
  readonly exitsTransaction?: true
  readonly template: string
}

export const vectorFiles = ['queries', 'modifications', 'sessions', 'definitions', 'refused', 'adversarial'] as const

/** Reads the vectors of one file; an empty file is a mistake. */
export function readVectors(file: (typeof vectorFiles)[number]): readonly SqlVector[] {
  return readFile<SqlVector>(file)
}

/** One statement of `uses.json`, as the README says. */
export interface UsesVector {
  readonly sql: string
  readonly computed?: readonly string[]
  readonly unnamed?: readonly string[]
}

/** Reads the vectors of what statements do with columns. */
export function readUsesVectors(): readonly UsesVector[] {
  return readFile<UsesVector>('uses')
}

function readFile<T>(file: string): readonly T[] {
  const url = new URL(`../../../../../../../testdata/sql/${file}.json`, import.meta.url)
  const vectors = JSON.parse(readFileSync(url, 'utf8')) as readonly T[]
  if (vectors.length === 0) throw new Error(`${file}.json is empty`)
  return vectors
}

/** What the accesses say of one use, in the words of `uses.json`. */
export function formatUses(accesses: readonly Access[], use: 'computed' | 'unnamed'): readonly string[] {
  return accesses
    .filter((access) => access[use] !== undefined)
    .map(({ object, ...access }) => formatAccess({ effect: 'select', object, ...columnsOf(access[use]) }))
    .map((text) => text.replace(/^select /, ''))
    .toSorted()
}

function columnsOf(columns: readonly string[] | '*' | undefined): Pick<Access, 'columns'> {
  return columns === undefined || typeof columns === 'string' ? {} : { columns }
}

/** An access in the words of the vectors. */
export function formatAccess({ effect, object, columns }: Access): string {
  switch (object.kind) {
    case 'table':
      return `${effect} ${object.schema}.${object.name}(${columns?.join() ?? '*'})`
    case 'function':
      return `${effect} ${object.schema}.${object.name}`
    case 'schema':
      return `${effect} schema ${object.schema}`
    case 'setting':
      return `${effect} ${object.name}`
    case 'database':
      return `${effect} database`
    case 'tool':
      return `${effect} tool ${object.name}`
  }
}

/** What the vectors' names mean. */
export const meaning = { database: 'cards', searchPath: 'public' } as const
