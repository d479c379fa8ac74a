import assert from 'node:assert/strict'
import { encodeBundle, parseBundle } from '../bundle.ts'
import type { Files } from './memory-source.ts'
import { filesOf, type SampleLog } from './sample-log.ts'

/** Changes files in place. */
export type Edit = (files: Map<string, Uint8Array>) => void

export function edited(original: Files, edit: Edit): Files {
  const copy = new Map(original)
  edit(copy)
  return copy
}

/** Changes the entries of a bundle as somebody with an editor would: the file is whole again, the tiles are as they were. */
export function inBundle(path: string, change: (entries: Uint8Array[]) => void): Edit {
  return (all) => {
    const entries = [...parseBundle(all.get(path) ?? new Uint8Array(0))]
    change(entries)
    all.set(path, encodeBundle(entries))
  }
}

export function leaf(of: SampleLog, index: number): Uint8Array {
  return of.leaves[index] ?? assert.fail(`no leaf ${index}`)
}

/** The same record with one word of it changed. */
export function forged(of: SampleLog, index: number): Uint8Array {
  return Buffer.from(Buffer.from(leaf(of, index)).toString().replace('alice@', 'carol@'))
}

export function swap(entries: Uint8Array[], a: number, b: number): void {
  const [first, second] = [entries[a], entries[b]]
  assert.ok(first !== undefined && second !== undefined)
  entries[a] = second
  entries[b] = first
}

/** The log that somebody would write who has everything but the signing key. */
export function rewritten(leaves: readonly Uint8Array[], blobs: SampleLog['blobs'], checkpointOf: Files): Files {
  const all = filesOf({ leaves, blobs })
  all.set('checkpoint', checkpointOf.get('checkpoint') ?? new Uint8Array(0))
  return all
}
