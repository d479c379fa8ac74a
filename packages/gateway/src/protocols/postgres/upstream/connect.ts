/**
 * Opens a session's connection to its database: dial, TLS, start-up with everything pinned that the meaning of a statement depends on,
 * SCRAM, and where the declared columns lie.
 */
import { type Secret } from '#base'
import { GatewayError } from '#model'
import { encodeStartup } from '../codec/index.ts'
import { type Declarations } from '../columns.ts'
import type { PostgresSettings } from '../settings.ts'
import { authenticate } from './authenticate.ts'
import { Conversation } from './conversation.ts'
import { findOrigins } from './declared.ts'
import type { Dialled, Dialer } from './dialer.ts'
import { channelBinding, secureStream } from './secure.ts'
import { type BackendKey, Upstream } from './upstream.ts'

/** One database, and how to get there. */
export interface UpstreamTarget {
  readonly settings: PostgresSettings
  /** PEM of the authorities of `tls.caFile`. */
  readonly ca?: string
  readonly dialer: Dialer
}

/** One session's start. */
export interface UpstreamStart {
  readonly target: UpstreamTarget
  readonly password: Secret<string>
  readonly nonce: string
  /** What the database's own log and `pg_stat_activity` show: `sallyport/<session>`. */
  readonly applicationName: string
  /** Settings that the client asked for and may. */
  readonly parameters: ReadonlyMap<string, string>
}

/** A session's connection, paused until somebody is attached. */
export interface UpstreamSession {
  readonly upstream: Upstream
  readonly declarations: Declarations
}

/**
 * Opens the connection.
 *
 * @throws {GatewayError} `SP_UPSTREAM_UNREACHABLE`, `SP_UPSTREAM_REFUSED`, `SP_UPSTREAM_PROTOCOL`, `SP_WIRE_UNSUPPORTED`.
 */
export async function connectUpstream(start: UpstreamStart): Promise<UpstreamSession> {
  const { settings } = start.target
  const signal = AbortSignal.timeout(settings.connectTimeoutSeconds * 1000)
  const { stream, listen } = await openStream(start.target, signal)
  const conversation = new Conversation()
  const upstream = new Upstream(stream, listen, conversation)
  const onTimeout = (): void => {
    upstream.destroy()
  }
  signal.addEventListener('abort', onTimeout)
  try {
    upstream.write(encodeStartup({ kind: 'startup', major: 3, minor: 0, parameters: startupParameters(start) }))
    const { password, nonce } = start
    await authenticate(upstream, conversation, {
      password,
      nonce,
      binding: (isOffered) => channelBinding(stream, isOffered),
    })
    demandPinned(upstream)
    const declarations = await findOrigins(upstream, conversation, settings.declaredColumns)
    upstream.pause()
    return { upstream, declarations }
  } catch (error) {
    upstream.destroy()
    throw asGatewayError(error)
  } finally {
    signal.removeEventListener('abort', onTimeout)
  }
}

/** How long a cancellation may take. */
const CANCEL_TIMEOUT_MS = 5000

/**
 * Asks a database to cancel what a session is running: on a connection of its own, secured like the session's. Whether there was anything
 * to cancel is never answered. Never rejects.
 */
export async function cancelUpstream(target: UpstreamTarget, backend: BackendKey): Promise<void> {
  const signal = AbortSignal.timeout(CANCEL_TIMEOUT_MS)
  try {
    const { stream } = await openStream(target, signal)
    await new Promise<void>((resolve) => {
      stream.once('close', resolve)
      stream.on('error', () => undefined)
      signal.addEventListener('abort', () => stream.destroy())
      // The server closes the connection when it has sent the signal.
      stream.resume()
      stream.end(encodeStartup({ kind: 'cancel', ...backend }))
    })
  } catch {
    // The database cannot be reached: then the session's own connection is about to end as well.
    return
  }
}

async function openStream(target: UpstreamTarget, signal: AbortSignal): Promise<Stream> {
  const { settings, dialer, ca } = target
  const isPlain = settings.tls.mode === 'off'
  try {
    const dialled = await dialer.dial({ host: settings.host, port: settings.port }, { signal, isTransient: isPlain })
    if (settings.tls.mode === 'off') return dialled
    const name = settings.tls.serverName ?? settings.host
    const secure = await secureStream(dialled.stream, ca === undefined ? { name } : { name, ca }, signal)
    return { stream: secure, listen: (listener) => secure.on('data', listener) }
  } catch (error) {
    throw asGatewayError(error)
  }
}

interface Stream {
  readonly stream: Dialled['stream']
  readonly listen: (listener: (chunk: Uint8Array) => void) => unknown
}

function asGatewayError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error
  const message = error instanceof Error ? error.message : 'unknown fault'
  return new GatewayError('SP_UPSTREAM_UNREACHABLE', message, { cause: error })
}

/**
 * The client's settings first, then ours: what is pinned wins. `pg_temp` is named last, since unnamed it would be searched *first*, and a
 * temporary table could stand in for a real one.
 */
function startupParameters(start: UpstreamStart): ReadonlyMap<string, string> {
  const { settings } = start.target
  return new Map([
    ...start.parameters,
    ['user', settings.user],
    ['database', settings.database],
    ['client_encoding', 'UTF8'],
    ['standard_conforming_strings', 'on'],
    ['search_path', `"${settings.searchPath.replaceAll('"', '""')}", pg_temp`],
    ['application_name', start.applicationName],
  ])
}

/**
 * What was asked for has to be so: the parser reads statements on these terms, and the detector looks for card numbers in UTF-8.
 *
 * PostgreSQL 18, Character Set Support: "if the server character set is SQL_ASCII … no encoding conversion will be done"; then what it
 * sends need not be UTF-8, whatever client_encoding says. With any other a character may have no equal, and an error stands for a row.
 */
function demandPinned(upstream: Upstream): void {
  for (const [name, value] of [
    ['client_encoding', 'UTF8'],
    ['standard_conforming_strings', 'on'],
    ['server_encoding', 'UTF8'],
  ] as const) {
    const given = upstream.parameters.get(name)
    if (given !== value) {
      throw new GatewayError('SP_UPSTREAM_REFUSED', `${name} of the database is ${given ?? 'not told'}, not ${value}`)
    }
  }
}
