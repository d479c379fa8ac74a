import type { Tool } from './call.ts'

/** What the load generator is to do; it reads this from its standard input. */
export interface Order {
  readonly to: Endpoint
  readonly tool: Tool
  readonly clients: number
  readonly seconds: number
  readonly rate?: number | undefined
  /** Where the times of the requests go: all ends (ms of the epoch), then all latencies (µs), as doubles. */
  readonly file: string
}

/** Where the calls go. */
export type Endpoint =
  | { readonly kind: 'http'; readonly port: number; readonly path: string; readonly tokens: readonly string[] }
  /** A server process for each client, started by the generator. */
  | { readonly kind: 'stdio'; readonly server: string }
