/** A boundary for tests: the PostgreSQL side on a port of its own, with a gate in memory, in front of a real database. */
import { randomBytes } from 'node:crypto'
import { createServer, type Socket } from 'node:net'
import { createSecureContext } from 'node:tls'
import { Secret } from '#base'
import type { Log, Masking, Resource } from '#model'
import { createMasking } from '#masking'
import { createTestTls, type TestTls } from '../../../../testkit/certificate.ts'
import { createTestGate, processClock, type TestGate, type TestGateOptions } from '../../../../testkit/gate.ts'
import { patience } from '../../../../testkit/patience.ts'
import type { TestPostgres } from '../../../../testkit/postgres.ts'
import { createClassifier, type WorkerClassifier } from '../classify/index.ts'
import type { Classifier } from '../classifier.ts'
import { createPostgres } from '../listener.ts'
import type { PostgresOptions } from '../options.ts'
import type { DeclaredColumn } from '../settings.ts'
import { createTcpDialer, type Dialer } from '../upstream/dialer.ts'

/** What a boundary is made of. */
export interface BoundaryOptions {
  readonly gate?: TestGateOptions
  readonly masking?: Masking
  readonly classifier?: Classifier
  readonly dialer?: Dialer
  readonly declaredColumns?: readonly DeclaredColumn[]
  /** Without it five. */
  readonly connectTimeoutSeconds?: number
  /** Connects to the database with TLS. */
  readonly upstreamTls?: boolean
  readonly more?: Partial<PostgresOptions>
}

/** A running boundary. */
export interface TestBoundary extends AsyncDisposable {
  readonly port: number
  readonly gate: TestGate
  readonly tls: TestTls
  /** Events of the log, in order. */
  readonly events: string[]
  /** Accepted sockets, newest last. */
  readonly sockets: Socket[]
}

const resource: Resource = { name: 'cards', kind: 'postgres', tables: [] }

let shared: WorkerClassifier | undefined

/** The classifier with real workers, one for all tests of a process. */
function sharedClassifier(): WorkerClassifier {
  shared ??= createClassifier({ clock: processClock, ...patience })
  return shared
}

/** Ends the workers, so that the process can. */
export async function endSharedClassifier(): Promise<void> {
  await shared?.[Symbol.asyncDispose]()
  shared = undefined
}

/** Starts a boundary in front of a database. */
export async function startBoundary(database: TestPostgres, options: BoundaryOptions = {}): Promise<TestBoundary> {
  const gate = createTestGate(options.gate)
  const tls = createTestTls()
  const events: string[] = []
  const note = (level: string) => (event: string, facts?: object) => {
    events.push(`${level} ${event} ${JSON.stringify(facts ?? {})}`)
  }
  const log: Log = { info: note('info'), warn: note('warn'), error: note('error') }
  const upstreamTls = options.upstreamTls === true
  const listener = createPostgres({
    gate,
    masking: options.masking ?? createMasking({}, 'test-ruleset'),
    secrets: { reveal: () => Promise.resolve(new Secret(database.password)) },
    classifier: options.classifier ?? sharedClassifier(),
    dialer: options.dialer ?? createTcpDialer(),
    log,
    clock: processClock,
    random: (bytes) => randomBytes(bytes),
    resources: [
      {
        resource,
        settings: {
          host: upstreamTls ? 'localhost' : database.host,
          port: database.port,
          database: database.database,
          user: database.user,
          password: { from: 'env:TEST' },
          tls: upstreamTls ? { mode: 'verify-full' } : { mode: 'off' },
          searchPath: 'public',
          connectTimeoutSeconds: options.connectTimeoutSeconds ?? 5,
          declaredColumns: options.declaredColumns ?? [],
        },
        ...(database.ca === undefined ? {} : { ca: database.ca }),
      },
    ],
    secureContext: () => createSecureContext({ cert: tls.cert, key: tls.key }),
    allowPlainOnLoopback: true,
    limits: { maxConnections: 100, handshakeTimeoutMs: 10_000 },
    ...options.more,
  })
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    listener.accept(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    gate,
    tls,
    events,
    sockets,
    [Symbol.asyncDispose]: async () => {
      await listener.close()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
