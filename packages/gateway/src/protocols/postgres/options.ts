import type { SecureContext } from 'node:tls'
import type { Bytes, Clock } from '#base'
import type { Gate, Log, Masking, Resource, SecretSource } from '#model'
import type { Classifier } from './classifier.ts'
import type { PostgresSettings } from './settings.ts'
import type { Dialer } from './upstream/dialer.ts'

/** A database behind the boundary. */
export interface PostgresResource {
  readonly resource: Resource
  readonly settings: PostgresSettings
  /** PEM text of `settings.tls.caFile`. */
  readonly ca?: string
}

/** Limits of one listener. */
export interface PostgresLimits {
  /** Sessions and handshakes at a time. */
  readonly maxConnections: number
  /** From accepting to the token. */
  readonly handshakeTimeoutMs: number
}

/** What the protocol is connected to. */
export interface PostgresOptions {
  readonly gate: Gate
  readonly masking: Masking
  readonly secrets: SecretSource
  readonly classifier: Classifier
  readonly dialer: Dialer
  readonly log: Log
  readonly clock: Clock
  /** Unguessable bytes. */
  readonly random: (bytes: number) => Bytes
  readonly resources: readonly PostgresResource[]
  /** The certificate for clients, asked for at each connection so that it can be renewed; without it there is no TLS. */
  readonly secureContext?: () => SecureContext
  /** Whether a client on this machine may connect without TLS. */
  readonly allowPlainOnLoopback: boolean
  readonly limits: PostgresLimits
  /** How long a held statement waits for its approval before it is refused; 0: not at all. Without it two minutes. */
  readonly holdSeconds?: number
}
