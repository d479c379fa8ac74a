/** The doors by which the SQL of MCP servers comes back: each a socket of one child, and a token that is good at that socket only. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { chmod } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { type Clock, Secret } from '#base'
import {
  type Credentials,
  type DoorFacts,
  type ErrorCode,
  GatewayError,
  type PrivateDoor,
  type PrivateDoors,
  type RejectedCredential,
  type Resource,
  type Revocation,
  type VerifiedCredential,
  type ViaLink,
} from '#model'

/** Connections of one child at a time. */
const MAX_CONNECTIONS = 32
/** sockaddr_un of Linux: 108 bytes with the final zero (unix(7)). */
const MAX_SOCKET_PATH_BYTES = 107
const SOCKET_NAME = 'postgres.sock'
/** What a child gives as user; who it is says the door. */
const USER = 'child'
const TOKEN_BYTES = 32

/** What the doors are made of. */
export interface DoorOptions {
  /** What everybody else is verified by. */
  readonly credentials: Credentials
  readonly clock: Clock
  /** The idle limit of people's sessions (milliseconds). */
  readonly idleLimitMs: number
}

/** Hands a socket to PostgreSQL's side of the boundary. */
export type AcceptAtDoor = (socket: Socket, door: string) => void

/** A door that is open. */
interface OpenDoor {
  readonly facts: DoorFacts
  /** SHA-256 of the token: the token itself is the child's. */
  readonly digest: Buffer
  readonly via: ViaLink
  /** The login behind it was revoked. */
  isShut: boolean
}

/** All private doors of a gateway. */
export class Doors implements PrivateDoors {
  readonly #options: DoorOptions
  readonly #open = new Map<string, OpenDoor>()
  readonly #accept: AcceptAtDoor

  /** `accept` may be known later than the credentials are needed: it is first called when a child connects. */
  constructor(options: DoorOptions, accept: AcceptAtDoor) {
    this.#options = options
    this.#accept = accept
    options.credentials.onRevoked((revocation) => {
      for (const door of this.#open.values()) door.isShut ||= isTouched(door, revocation)
    })
  }

  /** Credentials that know the children's tokens too, each at its own door only. */
  get credentials(): Credentials {
    const { credentials } = this.#options
    return {
      verify: async (secret, resource, door) =>
        door === undefined ? await credentials.verify(secret, resource) : this.#verify(secret, resource, door),
      onRevoked: (listener) => credentials.onRevoked(listener),
    }
  }

  /** @throws {GatewayError} `SP_TOOL_SERVER_FAILED` when there can be no socket. */
  async open(facts: DoorFacts): Promise<PrivateDoor> {
    const { childId, database, folder } = facts
    const token = randomBytes(TOKEN_BYTES).toString('base64url')
    const sockets = new Set<Socket>()
    const server = createServer({ noDelay: true }, (socket) => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      this.#accept(socket, childId)
    })
    server.maxConnections = MAX_CONNECTIONS
    const address = folder === undefined ? await listenOnLoopback(server) : await listenOnSocket(server, folder)
    const via = { server: facts.session.resource.name, childId, tools: facts.tools, running: () => facts.running() }
    this.#open.set(childId, { facts, digest: digestOf(token), via, isShut: false })
    const close = async (): Promise<void> => {
      // The token first: from here on nobody gets in, whatever still comes.
      this.#open.delete(childId)
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    }
    return { address, user: USER, database, token: new Secret(token), [Symbol.asyncDispose]: close }
  }

  #verify(secret: Secret<string>, resource: Resource, id: string): VerifiedCredential | RejectedCredential {
    const door = this.#open.get(id)
    if (door === undefined) return rejected('SP_AUTH_TOKEN_UNKNOWN', 'the child has ended')
    if (door.isShut) return rejected('SP_AUTH_TOKEN_UNKNOWN', 'the login behind the token was revoked')
    const { session, childId, database } = door.facts
    if (!timingSafeEqual(digestOf(secret.expose()), door.digest) || resource.name !== database) {
      return rejected('SP_AUTH_TOKEN_UNKNOWN', 'it is not the token of this door and database')
    }
    if (this.#options.clock.nowMs() >= session.endsAtMs) {
      return rejected('SP_AUTH_TOKEN_EXPIRED', 'the session behind it is over')
    }
    const { identity, grantId, endsAtMs } = session
    const idle = identity.kind === 'person' ? { idleLimitMs: this.#options.idleLimitMs } : {}
    return { kind: 'verified', identity, tokenId: childId, grantId, grantEndsAtMs: endsAtMs, ...idle, via: door.via }
  }
}

/** A job's token is its grant, and is revoked as a token. */
function isTouched({ facts: { session } }: OpenDoor, { grantId, identityId, tokenId }: Revocation): boolean {
  return grantId === session.grantId || tokenId === session.grantId || identityId === session.identity.id
}

function rejected(code: ErrorCode, reason: string): RejectedCredential {
  return { kind: 'rejected', code, reason }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

async function listenOnSocket(server: Server, folder: string): Promise<PrivateDoor['address']> {
  const socketPath = join(folder, SOCKET_NAME)
  if (Buffer.byteLength(socketPath) > MAX_SOCKET_PATH_BYTES) {
    throw new GatewayError('SP_TOOL_SERVER_FAILED', `the path of the child's socket is too long: ${socketPath}`)
  }
  await listening(server, () => server.listen(socketPath))
  // The child may have a uid of its own; nobody else comes past the folders above.
  await chmod(socketPath, 0o666)
  return { socketPath }
}

async function listenOnLoopback(server: Server): Promise<PrivateDoor['address']> {
  await listening(server, () => server.listen(0, '127.0.0.1'))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new GatewayError('SP_TOOL_SERVER_FAILED', 'no port')
  return { port: address.port }
}

async function listening(server: Server, begin: () => void): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    // It stays: a server whose later errors nobody hears would end the process.
    server.on('error', (error) => {
      reject(new GatewayError('SP_TOOL_SERVER_FAILED', `the child's socket: ${error.message}`, { cause: error }))
    })
    server.once('listening', resolve)
    begin()
  })
}
