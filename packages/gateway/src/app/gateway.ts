import { getRequestListener } from '@hono/node-server'
import { join, resolve } from 'node:path'
import { VERSION } from '#base'
import { createApi, type ApiServices } from '#api'
import { openTrailReader, type IndexedReader } from '#evidence'
import { createIdentity, type IdentityService } from '#identity'
import { systemClock, systemIds } from '#machine'
import type { Resource, TrailEvent, TrailOutlet } from '#model'
import { createGate, type SessionGate } from '#pipeline'
import type { LoadedPolicy } from '#policy'
import { createClassifier } from '#protocols/postgres'
import { DEFAULT_LIMITS } from '#trail'
import { type Config, loadConfig, withPins } from './config/load.ts'
import { namedFileProblems } from './config/named-files.ts'
import { invalid } from './config/problems.ts'
import { createEvidence } from './evidence.ts'
import { createExplain } from './explain.ts'
import { type Foundation, openFoundation, type StartOptions } from './foundation.ts'
import { createHttpServer } from './http.ts'
import { activate, beginning, type InForce } from './in-force.ts'
import { closeListener, createTcpServer, listen } from './listeners.ts'
import { openMcp } from './mcp.ts'
import { missingSecrets, requireVariables } from './missing-secrets.ts'
import { loadPolicyFolder } from './policy-folder.ts'
import { createPostgresListener } from './postgres.ts'
import { Doors } from './private-doors.ts'
import { PayloadTextScrubber } from './scrubbing/payload-text-scrubber.ts'
import { ThreadedScrubber } from './scrubbing/payload-scrubber.ts'
import { createSecretSource } from './secrets.ts'
import { verifyTrailFolder } from './verify-folder.ts'

/** How often sessions are looked over for expiry and idleness, and requests for those whose time is over. */
const SWEEP_MS = 1_000

/** A client of MCP and its browser hold a few at once. */
const HTTP_CONNECTIONS_PER_SESSION = 4

/** A running gateway. */
export interface Gateway {
  /** What it listens on, a line each. */
  addresses(): readonly string[]
  /** The secrets that were not there when it started, a line each. */
  missing(): readonly string[]
  /** Loads the policy folder again, pinned tools included; when anything is wrong with it the old one stays in force, as a whole. */
  reloadPolicy(): Promise<void>
  /** Ends sessions, drains the trail, closes everything. */
  stop(): Promise<void>
}

/**
 * Starts a gateway from its configuration file: foundation, identity, policy, gate, listeners, in this order; whatever fails closes what was
 * opened before it.
 *
 * @throws {GatewayError} with the code of what is wrong.
 */
export async function startGateway(configFile: string, options: StartOptions): Promise<Gateway> {
  const config = loadConfig(configFile)
  const problems = namedFileProblems(config)
  if (problems.length > 0) throw invalid(problems)
  requireVariables(config, options.environment)
  const policy = loadPolicyFolder(config)
  const stack = new AsyncDisposableStack()
  try {
    const foundation = stack.use(await openFoundation(config, options))
    const missing = await missingSecrets(config, foundation.vault)
    return { ...(await assemble({ config, loaded: policy, foundation, options }, stack)), missing: () => missing }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

/** What a gateway is put together from. */
interface Beginnings {
  readonly config: Config
  readonly loaded: LoadedPolicy
  readonly foundation: Foundation
  readonly options: StartOptions
}

/** Puts the parts together; whatever is opened is closed by the stack, in reverse. */
async function assemble(
  { config, loaded, foundation, options }: Beginnings,
  stack: AsyncDisposableStack,
): Promise<Omit<Gateway, 'missing'>> {
  const { trail, log, masking, vault, approvals } = foundation
  let active = beginning(loaded, config)
  const secrets = createSecretSource(config.folder, options.environment, vault)
  const identity = await openIdentity(config, foundation, secrets)
  stack.defer(() => {
    identity.close()
  })
  const scrubber = await startScrubber(foundation, stack)
  const doors = new Doors(
    { credentials: identity.credentials, clock: systemClock, idleLimitMs: config.file.identity.idleMinutes * 60_000 },
    (socket, door) => {
      postgres.accept(socket, door)
    },
  )
  const gate = createGate({
    credentials: doors.credentials,
    policy: () => active.policy,
    trail,
    scrubber,
    approvals,
    clock: systemClock,
    ids: systemIds,
    log,
    limits: { sessions: config.file.limits.sessions, operations: DEFAULT_LIMITS.openIntents },
  })
  identity.credentials.onRevoked(({ identityId }) => {
    if (identityId !== undefined) void approvals.withdraw(identityId)
  })
  sweepRegularly(stack, () => {
    gate.sweep()
    void approvals.sweep()
  })
  const reader = stack.use(openReader(config, foundation))
  const services = apiServices(config, { foundation, identity, gate, reader, active: () => active })
  // Answers every fault itself (routes.ts), so its promise is only an end.
  const answerApi = getRequestListener(createApi(services).fetch)
  const classifier = stack.use(createClassifier({ clock: systemClock }))
  const [mcp] = await Promise.all([
    openMcp(config, { gate, masking, secrets, doors, trail, log, resources: () => active.toolServers }),
    classifier.ready(),
  ])
  const postgres = createPostgresListener(config, { gate, masking, secrets, classifier, log })
  stack.use(mcp)
  const http = createHttpServer(
    {
      api: (request, response) => {
        void answerApi(request, response)
      },
      mcp: mcp.front,
      logins: (request, response) => {
        identity.handler(request, response)
      },
    },
    { tls: tlsFiles(config), maxConnections: HTTP_CONNECTIONS_PER_SESSION * config.file.limits.sessions },
  )
  // Nobody is let in under a policy that is not on record.
  active = await activate(trail, loaded, config)
  await listen(http, config.file.listen.http, log)
  stack.defer(() => closeListener(http))
  const tcp = createTcpServer((socket) => {
    postgres.accept(socket)
  })
  await listen(tcp, config.file.listen.postgres, log)
  stack.defer(async () => {
    gate.endAll({ kind: 'shutdown' })
    await closeListener(tcp)
    await postgres.close()
  })
  const addresses = await recordListening(trail, addressesOf(config, mcp.isolation))
  return {
    addresses: () => addresses,
    reloadPolicy: async () => {
      const pinned = withPins(active.config)
      active = await activate(trail, loadPolicyFolder(pinned), pinned)
    },
    stop: () => stack.disposeAsync(),
  }
}

/** Records where the gateway answers from now on; answers the same. */
async function recordListening(trail: TrailOutlet, addresses: readonly string[]): Promise<readonly string[]> {
  const event: TrailEvent = { class: 'lifecycle', activity: 'listen', status: 'success', details: { addresses } }
  await trail.record([{ kind: 'event', timeMs: systemClock.nowMs(), event }])
  return addresses
}

function addressesOf({ file, publicUrl }: Config, isolation: string | undefined): readonly string[] {
  const mcp = isolation === undefined ? [] : [`MCP at ${publicUrl}/mcp/…, servers kept apart by ${isolation}`]
  return [`PostgreSQL on ${file.listen.postgres}`, `logins and API at ${publicUrl}`, ...mcp]
}

/** Starts the thread in which large payloads are scrubbed. */
async function startScrubber({ masking, log }: Foundation, stack: AsyncDisposableStack): Promise<ThreadedScrubber> {
  const scrubber = stack.use(new ThreadedScrubber({ scrubber: new PayloadTextScrubber(masking.scrubber), log }))
  await scrubber.start()
  return scrubber
}

function sweepRegularly(stack: AsyncDisposableStack, sweep: () => void): void {
  const timer = setInterval(sweep, SWEEP_MS)
  stack.defer(() => {
    clearInterval(timer)
  })
}

async function openIdentity(
  config: Config,
  foundation: Foundation,
  secrets: ReturnType<typeof createSecretSource>,
): Promise<IdentityService> {
  const { oidc, workloads, sessionHours, idleMinutes, tokenMinutes } = config.file.identity
  const { clientSecret } = oidc
  return await createIdentity({
    publicUrl: config.publicUrl,
    resources: names(config, (kind) => kind !== 'mcp'),
    mcpServers: names(config, (kind) => kind === 'mcp'),
    upstream: {
      issuer: oidc.issuer,
      clientId: oidc.clientId,
      groupsClaim: oidc.groups,
      scopes: oidc.scopes,
      ...(clientSecret === undefined ? {} : { clientSecret: () => secrets.reveal(clientSecret.from) }),
    },
    workloads,
    store: foundation.store.identity,
    keys: foundation.store.keys,
    sealer: foundation.sealer,
    clock: systemClock,
    trail: foundation.trail,
    log: foundation.log,
    accessTokenSeconds: tokenMinutes * 60,
    loginSeconds: sessionHours * 3_600,
    idleLimitMs: idleMinutes * 60_000,
  })
}

function names({ resources }: Config, isWanted: (kind: Resource['kind']) => boolean): readonly string[] {
  return resources.flatMap(({ resource: { kind, name } }) => (isWanted(kind) ? [name] : []))
}

function openReader(config: Config, { trail, log, trailFolder }: Foundation): IndexedReader {
  const status = trail.status()
  const reader = openTrailReader({
    directory: trailFolder,
    indexFile: join(config.dataFolder, 'index.db'),
    origin: status.origin,
    size: status.size,
    keys: trail.payloadKeys,
    status: () => trail.status(),
    log,
  })
  trail.onCheckpoint(({ size }) => {
    reader.advance(size)
  })
  return reader
}

interface Parts {
  readonly foundation: Foundation
  readonly identity: IdentityService
  readonly gate: SessionGate
  readonly reader: IndexedReader
  readonly active: () => InForce
}

function apiServices(config: Config, { foundation, identity, gate, reader, active }: Parts): ApiServices {
  const { trail, vault, approvals, trailFolder } = foundation
  const policy = (): LoadedPolicy => active().policy
  const resources = config.resources.map(({ resource }) => resource)
  return {
    clock: systemClock,
    version: VERSION,
    log: foundation.log,
    policy,
    trail,
    reader,
    resources,
    logins: {
      verify: (secret) => identity.verifyApi(secret),
      names: (ids) => identity.names(ids),
      find: (person) => identity.find(person),
      tokenIdOf: (secret) => identity.tokenIdOf(secret),
      revoke: (target, by, reason) => identity.revoke(target, by, reason),
      onRevoked: (listener) => identity.credentials.onRevoked(listener),
    },
    sessions: {
      list: () => gate.list(),
      end: (id, by, reason) => gate.end(id, { kind: 'revoked', by, reason }),
    },
    secrets: vault,
    approvals,
    explain: createExplain(policy, systemClock),
    evidence: createEvidence({
      dataFolder: config.dataFolder,
      trailFolder,
      trail,
      reader,
      active,
      names: (ids) => identity.names(ids),
    }),
    entitlements: (subject) => policy().entitlements(subject),
    verifyTrail: () => verifyTrailFolder(trailFolder),
    readiness: async () => ({ trail: trail.status().writable, identityProvider: await identity.upstreamReachable() }),
  }
}

function tlsFiles(config: Config): { cert: string; key: string } | undefined {
  const { tls } = config.file.listen
  return tls === undefined
    ? undefined
    : { cert: resolve(config.folder, tls.cert), key: resolve(config.folder, tls.key) }
}
