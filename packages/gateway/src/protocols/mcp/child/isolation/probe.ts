/** Finds out how children can be kept apart here, by doing it. */
import { readlink, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { GatewayError } from '#model'
import { bubblewrapCandidates, unshareCandidates } from './namespaces.ts'
import { ownUid } from './own-uid.ts'
import { ReadableCode } from './readable-code.ts'
import { unisolated } from './unisolated.ts'
import type { Isolation, IsolationKind, SandboxPlan } from './sandbox.ts'

/** What was found. */
export interface Probed {
  /** The first that works; absent where none does. */
  readonly isolation?: Isolation
  /** What was tried in vain, a line each. */
  readonly tried: readonly string[]
}

/** Where and what to try. */
export interface ProbeOptions {
  /** A folder that only we can enter. */
  readonly folder: string
  /** Kinds to try, in order; all that isolate unless said otherwise. */
  readonly kinds?: readonly IsolationKind[]
}

const NAMESPACES = ['pid', 'mnt', 'net', 'ipc', 'uts'] as const
/** Behind the relay, so that all of what a child needs has worked when it speaks. */
const QUESTION = `for name in ${NAMESPACES.join(' ')}; do readlink /proc/self/ns/$name; done`
const TIMEOUT_MS = 15_000
const MAX_WORDS = 200

/** Tries one kind after the other. Never rejects. */
export async function probeIsolation(options: ProbeOptions): Promise<Probed> {
  const tried: string[] = []
  const code = new ReadableCode(join(options.folder, 'code'))
  for (const kind of options.kinds ?? ['bubblewrap', 'unshare', 'uid']) {
    const candidates = candidatesOf(kind, code)
    if (typeof candidates === 'string') tried.push(candidates)
    else {
      for (const isolation of candidates) {
        const failure = await tryOut(isolation, join(options.folder, 'probe'))
        if (failure === undefined) return { isolation, tried }
        tried.push(`${isolation.words}: ${failure}`)
      }
    }
  }
  return { tried }
}

function candidatesOf(kind: IsolationKind, code: ReadableCode): readonly Isolation[] | string {
  const isRoot = process.getuid?.() === 0
  switch (kind) {
    case 'bubblewrap':
      return bubblewrapCandidates(isRoot, code)
    case 'unshare':
      return unshareCandidates(isRoot, code)
    case 'uid':
      return listed(ownUid())
    case 'none':
      return [unisolated()]
    default:
      return kind satisfies never
  }
}

function listed(isolation: Isolation | string): readonly Isolation[] | string {
  return typeof isolation === 'string' ? isolation : [isolation]
}

/** Undefined when it works, else why it does not. */
async function tryOut(isolation: Isolation, folder: string): Promise<string | undefined> {
  try {
    await isolation.prepare(folder, 0)
    const child = await isolation.start(probePlan(folder, isolation))
    const late = setTimeout(() => {
      child.kill()
    }, TIMEOUT_MS)
    const [answer, complaint, end] = await Promise.all([text(child.stdout), text(child.stderr), child.gone])
    clearTimeout(late)
    const namespaces = answer.trim().split('\n')
    if (namespaces.length !== NAMESPACES.length) return `${complaint.trim()} (${end})`.slice(0, MAX_WORDS)
    if (!isolation.isNetworkIsolated) return undefined
    const ours = await Promise.all(NAMESPACES.map((name) => readlink(`/proc/self/ns/${name}`)))
    const shared = NAMESPACES.filter((_, index) => namespaces[index] === ours[index])
    return shared.length === 0 ? undefined : `not apart: ${shared.join(', ')}`
  } catch (error) {
    return error instanceof GatewayError || error instanceof Error ? error.message : 'unknown'
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function probePlan(folder: string, { isNetworkIsolated }: Isolation): SandboxPlan {
  return {
    program: ['/bin/sh', '-c', QUESTION],
    workingFolder: '/tmp',
    environment: {},
    code: [],
    folder,
    ...(isNetworkIsolated ? { socket: 'probe' } : {}),
    slot: 0,
    limits: { memoryBytes: 268_435_456, processes: 32, openFiles: 256, temporaryBytes: 1_048_576 },
  }
}
