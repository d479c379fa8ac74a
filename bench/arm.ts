/** The ways to the database that are compared, in their order. Another, `nginx`, is for jobs in front of HTTP servers. */
export const armNames = ['direct', 'pgbouncer', 'relay', 'sallyport'] as const
export type ArmName = (typeof armNames)[number]

/** Where a client connects, and as whom. */
export interface Target {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
}

/** One way from the client to the database. */
export interface Arm {
  readonly name: ArmName
  readonly target: Target
  /** The process in the middle, whose time is counted; undefined when there is none. */
  readonly pid: number | undefined
  /** What was on, in words. */
  readonly policy: string
  stop(): Promise<void>
}

/** Nothing in the middle: what the database and the load generator can do. */
export function directArm(target: Target): Arm {
  return { name: 'direct', target, pid: undefined, policy: 'none', stop: () => Promise.resolve() }
}
