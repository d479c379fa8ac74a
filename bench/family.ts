import type { Arm, ArmName } from './arm.ts'
import type { Issuer } from './issuer.ts'
import type { ProbeStart } from './probed.ts'

/** One kind of load: what one request is, and how many clients send it. */
export interface Job<L> {
  readonly name: string
  readonly request: L
  readonly clients: readonly number[]
  /** How many clients the profiled round has. */
  readonly profiledClients: number
  /** Where the job is about rows: how many one result has, and a request for as many bytes in a tenth of the rows. */
  readonly result?: { readonly rows: number; readonly tenth: L }
}

/** Where a benchmark runs. */
export interface BenchGround {
  /** Empty; whoever made it removes it. */
  readonly folder: string
  readonly issuer: Issuer
}

/** Jobs that one set of ways serves. */
export interface Family<L> {
  readonly jobs: readonly Job<L>[]
  /** Finds the programs that it needs. @throws {Error} with the line that installs what is missing. */
  prepare(): Prepared<L>
}

/** A family whose programs are there. */
export interface Prepared<L> {
  /** Starts what stands behind all its ways. */
  open(ground: BenchGround): Promise<Ways<L>>
}

/** The ways of a family, each to be started when it is wanted. */
export interface Ways<L> {
  readonly start: Readonly<Partial<Record<ArmName, () => Promise<Arm<L>>>>>
  /** Sallyport's way with a probe in the gateway. */
  probed(probe: ProbeStart): Promise<Arm<L>>
  /** What one request of a job moves besides itself; undefined where it is not about bytes. */
  bytesOf(job: Job<L>): number | undefined
  stop(): Promise<void>
}
