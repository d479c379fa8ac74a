/** What the parts of this folder speak of: what is to run, how it is kept apart, and the process that comes of it. */
import type { Readable, Writable } from 'node:stream'

/** How a child is kept apart: namespaces by one of two programs, a user of its own, or not at all. */
export type IsolationKind = 'bubblewrap' | 'unshare' | 'uid' | 'none'

/** What one child may use. */
export interface SandboxLimits {
  /** Memory of all its processes, without programs and libraries (bytes). */
  readonly memoryBytes: number
  /** Processes; ten times as many threads. */
  readonly processes: number
  /** Open files of one process. */
  readonly openFiles: number
  /** What it may write to `/tmp` (bytes). */
  readonly temporaryBytes: number
}

/** What is to run. All paths are absolute, without links. */
export interface SandboxPlan {
  /** Program and arguments; a bare name is looked for inside. */
  readonly program: readonly string[]
  readonly workingFolder: string
  /** Everything that it sees of an environment, besides `PATH` and `HOME`. */
  readonly environment: Readonly<Record<string, string>>
  /** Folders that it may read, at their own places. */
  readonly code: readonly string[]
  /** A folder of the child's own outside, with `door` and `etc` in it; nobody but Sallyport can enter it. */
  readonly folder: string
  /** The name of the private door's socket below `door`; absent when there is none or it is a port. */
  readonly socket?: string
  /** Distinguishes children that run at the same time. */
  readonly slot: number
  readonly limits: SandboxLimits
}

/** What a child uses now. */
export interface Usage {
  readonly memoryBytes: number
  readonly processes: number
}

/** A running child. */
export interface SandboxedProcess {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** Resolves, with how in a few words, when it and everything it started is gone. Never rejects. */
  readonly gone: Promise<string>
  usage(): Usage
  /** Kills all of it; `gone` says when. */
  kill(): void
}

/** The way in which children are kept apart on this machine. */
export interface Isolation {
  readonly kind: IsolationKind
  /** For the screen and for records: `bubblewrap (own user, pid, mount, network, ipc and uts namespaces)`. */
  readonly words: string
  readonly isNetworkIsolated: boolean
  /** Makes the folder of a child, before its door is put into `door`. The folder above it must be closed to everybody else. */
  prepare(folder: string, slot: number): Promise<void>
  /** @throws {GatewayError} `SP_TOOL_SERVER_FAILED` when it cannot be started. */
  start(plan: SandboxPlan): Promise<SandboxedProcess>
  /** Removes what it made for all children; none is started any more. */
  close?(): void
}

/** Where things lie inside. */
export const INSIDE = {
  node: '/opt/sallyport/bin/node',
  relay: '/opt/sallyport/relay',
  door: '/run/sallyport',
  databasePort: 5432,
  path: '/opt/sallyport/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
} as const
