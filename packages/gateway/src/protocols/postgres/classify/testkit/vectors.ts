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
  const url = new URL(`../../../../../../../testdata/sql/${file}.json`, import.meta.url)
  const vectors = JSON.parse(readFileSync(url, 'utf8')) as readonly SqlVector[]
  if (vectors.length === 0) throw new Error(`${file}.json is empty`)
  return vectors
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
