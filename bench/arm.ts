/** The ways from a client to what it wants that are compared, in their order. */
export const armNames = ['direct', 'pgbouncer', 'nginx', 'relay', 'sallyport'] as const
export type ArmName = (typeof armNames)[number]

/** One way. `L` says what one request is. */
export interface Arm<L> {
  readonly name: ArmName
  /** The process in the middle, whose time is counted; undefined when there is none. */
  readonly pid: number | undefined
  /** What was on for such a request, in words. */
  policy(request: L): string
  /** Puts a load on this way. @throws {Error} with what was said, when a request failed. */
  run(load: Load<L>): Promise<Requests>
  stop(): Promise<void>
}

/** How many requests, how long. */
export interface Load<L> {
  readonly request: L
  readonly clients: number
  readonly seconds: number
  /** Requests per second of all clients together; as many as it takes without. */
  readonly rate?: number | undefined
  /** Told once the clients are connected and have worked for a second. */
  readonly onWarm?: (() => void) | undefined
}

/** Every request of a run: when it was answered (ms of the epoch) and how long it took (µs), in no order. */
export interface Requests {
  readonly endMs: Float64Array
  readonly latencyUs: Float64Array
}

/** Nothing was on. */
export const NOTHING_ON = (): string => 'none'
