/** Processes as the kernel shows them. Reads of `/proc` never wait for a disk. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import type { Usage } from './sandbox.ts'

/** A walk ends here: whoever has so many is over every limit. */
const MAX_WALKED = 2000
const KIB = 1024
/** proc(5): "X (dead)", "Z (zombie)"; and nothing at all of a process that has been waited for. */
const RUNS = /^State:\s+[^XZ\s]/m
const OWN_MEMORY = /^(?:RssAnon|RssShmem|VmSwap):\s+(\d+) kB$/gm

/** The children of a process, started by whichever of its threads. */
export function childrenOf(pid: number): readonly number[] {
  return threadsOf(pid).flatMap((thread) =>
    read(`/proc/${String(pid)}/task/${thread}/children`)
      .split(' ')
      .filter((text) => text !== '')
      .map(Number),
  )
}

/** A process and all below it. */
export function treeOf(pid: number): readonly number[] {
  const tree = [pid]
  // The list grows while it is gone through.
  for (const parent of tree) if (tree.length < MAX_WALKED) tree.push(...childrenOf(parent))
  return tree
}

/** When a process began, in ticks since the machine did; undefined when it is gone, though nobody has asked how yet. */
export function startedAt(pid: number): string | undefined {
  const stat = read(`/proc/${String(pid)}/stat`)
  // proc(5): the name is in brackets and may hold anything; the state follows it, and field 22 is the 20th behind the name.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
}

/** Whoever asks within this time of another is told the same. */
const CENSUS_AGE_MS = 200

/**
 * All processes by their uid. To find those of one, all of the machine must be looked at, which takes some milliseconds where there are a thousand: the
 * children of a gateway are looked for together.
 */
export class Census {
  #byUid: ReadonlyMap<number | undefined, readonly number[]> | undefined

  /** The processes that a uid has, or had a moment ago. */
  of(uid: number): readonly number[] {
    this.#byUid ??= this.#take()
    return this.#byUid.get(uid) ?? []
  }

  #take(): ReadonlyMap<number | undefined, readonly number[]> {
    setTimeout(() => {
      this.#byUid = undefined
    }, CENSUS_AGE_MS).unref()
    const pids = list('/proc').filter((name) => /^\d+$/.test(name))
    return Map.groupBy(pids.map(Number), ownerOf)
  }
}

/**
 * What some processes use together: memory of their own, in store or swapped out (proc(5), `status`). Programs and libraries do not count, which
 * all processes of the machine share; memory that some of them share counts for each. What has ended does not count, though nobody has waited for
 * it yet: the next of a uid would be charged with what the last one left.
 */
export function usageOf(pids: readonly number[]): Usage {
  let kib = 0
  let processes = 0
  for (const pid of pids) {
    const status = read(`/proc/${String(pid)}/status`)
    if (RUNS.test(status)) processes++
    for (const [, size] of status.matchAll(OWN_MEMORY)) kib += Number(size)
  }
  return { memoryBytes: kib * KIB, processes }
}

function threadsOf(pid: number): readonly string[] {
  return list(`/proc/${String(pid)}/task`)
}

function ownerOf(pid: number): number | undefined {
  try {
    return statSync(`/proc/${String(pid)}`).uid
  } catch {
    return undefined
  }
}

/** Empty when the process has just gone. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function list(path: string): readonly string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
