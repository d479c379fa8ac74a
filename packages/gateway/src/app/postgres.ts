import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createSecureContext } from 'node:tls'
import { systemClock } from '#machine'
import { type Gate, GatewayError, type Log, type Masking, type SecretSource } from '#model'
import {
  type Classifier,
  createPostgres,
  createTcpDialer,
  type PostgresBlock,
  type PostgresListener,
  type PostgresResource,
} from '#protocols/postgres'
import type { Config, ConfiguredResource } from './config/load.ts'

/** From accepting a connection to its token. */
const HANDSHAKE_TIMEOUT_MS = 10_000

/** What the PostgreSQL side is connected to. */
export interface PostgresParts {
  readonly gate: Gate
  readonly masking: Masking
  readonly secrets: SecretSource
  readonly classifier: Classifier
  readonly log: Log
}

/** Makes the PostgreSQL side of a gateway from its configuration. */
export function createPostgresListener(config: Config, parts: PostgresParts): PostgresListener {
  const { tls } = config.file.listen
  return createPostgres({
    ...parts,
    dialer: createTcpDialer(),
    clock: systemClock,
    random: (bytes) => randomBytes(bytes),
    resources: config.resources
      .filter(({ resource }) => resource.kind === 'postgres')
      .map((entry) => toPostgres(config, entry)),
    // Read at each connection, so that a renewed certificate needs no restart.
    ...(tls === undefined ? {} : { secureContext: () => createSecureContext(pemPair(config, tls)) }),
    allowPlainOnLoopback: true,
    holdSeconds: config.file.approvals.waitSeconds,
    limits: { maxConnections: config.file.limits.sessions, handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS },
  })
}

function toPostgres(config: Config, { resource, settings }: ConfiguredResource): PostgresResource {
  // The configuration was checked with this protocol's own schema.
  const block = settings as PostgresBlock
  const declaredColumns = resource.kind === 'postgres' ? (resource.cardColumns ?? []) : []
  const caFile = block.tls.mode === 'verify-full' ? block.tls.caFile : undefined
  const ca = caFile === undefined ? {} : { ca: readPem(resolve(config.folder, caFile)) }
  return { resource, settings: { ...block, declaredColumns }, ...ca }
}

function pemPair(config: Config, tls: { readonly cert: string; readonly key: string }): { cert: string; key: string } {
  return { cert: readPem(resolve(config.folder, tls.cert)), key: readPem(resolve(config.folder, tls.key)) }
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new GatewayError('SP_CONFIG_INVALID', `${path} cannot be read`, { cause: error })
  }
}
