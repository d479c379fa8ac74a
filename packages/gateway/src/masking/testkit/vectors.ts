import { readFileSync } from 'node:fs'

/** Reads the vectors of one file of `testdata/pan`; an empty file is a mistake. */
export function readVectors<T>(file: string): readonly T[] {
  const url = new URL(`../../../../../testdata/pan/${file}`, import.meta.url)
  const { vectors } = JSON.parse(readFileSync(url, 'utf8')) as { readonly vectors: readonly T[] }
  if (vectors.length === 0) throw new Error(`no vectors in ${file}`)
  return vectors
}
