import { readFileSync } from 'node:fs'
import path from 'node:path'

/** Where the vectors and their generator lie. */
export const vectorFolder: string = path.join(import.meta.dirname, '../../../../../testdata/pan')

/** Reads the vectors of one file; an empty file is a mistake. */
export function readVectors<T>(file: string): readonly T[] {
  const text = readFileSync(path.join(vectorFolder, file), 'utf8')
  const { vectors } = JSON.parse(text) as { readonly vectors: readonly T[] }
  if (vectors.length === 0) throw new Error(`no vectors in ${file}`)
  return vectors
}
