import { type Bytes, type Clock, fromUtf8, Secret, toUtf8 } from '#base'
import {
  type ErrorCode,
  GatewayError,
  type Identity,
  type Log,
  type Sealer,
  type SecretFacts,
  type SecretSource,
  type SecretStore,
  type TrailOutlet,
} from '#model'

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/
const MAX_VALUE_BYTES = 8192
/** Uses are noted at most this often per secret: what is wanted is the day, and each note is a synced write. */
const USE_NOTED_EVERY_MS = 60_000

/** What the vault works with. */
export interface VaultOptions {
  readonly store: SecretStore
  readonly sealer: Sealer
  readonly clock: Clock
  readonly trail: TrailOutlet
  readonly log: Log
}

/** Keeps the credentials of resources. */
export interface Vault extends SecretSource {
  /**
   * Sets a secret, new or not: `[a-z0-9][a-z0-9-]{0,62}`, 1 to 8,192 bytes.
   *
   * @throws {GatewayError} `SP_API_INVALID`, `SP_TRAIL_UNAVAILABLE`; `SP_BUSY` when another process changed it meanwhile.
   */
  set(name: string, value: Secret<string>, by: Identity): Promise<void>
  /** Sets a new value for one that is there. @throws {GatewayError} as `set`, and `SP_VAULT_SECRET_MISSING`. */
  rotate(name: string, value: Secret<string>, by: Identity): Promise<void>
  /** All secrets by name, without their values. */
  list(): Promise<readonly SecretFacts[]>
}

/** Opens the vault over a store. */
export function createVault(options: VaultOptions): Vault {
  return new SealedVault(options)
}

class SealedVault implements Vault {
  readonly #store: SecretStore
  readonly #sealer: Sealer
  readonly #clock: Clock
  readonly #trail: TrailOutlet
  readonly #log: Log
  /** When the use of a secret was last noted; one entry for each secret in the store. */
  readonly #noted = new Map<string, number>()
  /** Changes happen one after the other, so that a recorded version is the one that takes effect. */
  #lastChange: Promise<void> = Promise.resolve()

  constructor({ store, sealer, clock, trail, log }: VaultOptions) {
    this.#store = store
    this.#sealer = sealer
    this.#clock = clock
    this.#trail = trail
    this.#log = log
  }

  async reveal(name: string): Promise<Secret<string>> {
    const stored = await this.#store.find(name)
    if (stored === undefined)
      throw new GatewayError('SP_VAULT_SECRET_MISSING', `the secret "${name}" is not in the vault`)
    const value = fromUtf8(this.#sealer.open(stored.sealed, contextOf(name)))
    this.#noteUse(name)
    return new Secret(value)
  }

  async set(name: string, value: Secret<string>, by: Identity): Promise<void> {
    checkChange(name, value)
    await this.#inTurn(async () => {
      const version = (await this.#store.find(name))?.version ?? 0
      await this.#change(name, version, value, by)
    })
  }

  async rotate(name: string, value: Secret<string>, by: Identity): Promise<void> {
    checkChange(name, value)
    await this.#inTurn(async () => {
      const stored = await this.#store.find(name)
      if (stored === undefined)
        throw new GatewayError('SP_VAULT_SECRET_MISSING', `the secret "${name}" is not in the vault`)
      await this.#change(name, stored.version, value, by)
    })
  }

  async list(): Promise<readonly SecretFacts[]> {
    return await this.#store.list()
  }

  async #inTurn(change: () => Promise<void>): Promise<void> {
    const turn = this.#lastChange.then(change)
    // The next change waits for this one, however it ended.
    this.#lastChange = turn.catch(() => undefined)
    await turn
  }

  async #change(name: string, version: number, value: Secret<string>, by: Identity): Promise<void> {
    const sealed = this.#sealer.seal(toUtf8(value.expose()), contextOf(name))
    await this.#record(name, version, by)
    try {
      if (await this.#keep(name, version, sealed)) return
    } catch (error) {
      await this.#record(name, version, by, 'SP_API_UNAVAILABLE')
      throw error
    }
    await this.#record(name, version, by, 'SP_BUSY')
    throw new GatewayError('SP_BUSY', `the secret "${name}" was changed by somebody else at the same time`)
  }

  /** False when it is not at that version any more. */
  #keep(name: string, version: number, sealed: Bytes): Promise<boolean> {
    const atMs = this.#nowMs()
    return version === 0 ? this.#store.create(name, sealed, atMs) : this.#store.replace(name, version, sealed, atMs)
  }

  /** @param code why what was recorded before did not happen. */
  async #record(name: string, version: number, actor: Identity, code?: ErrorCode): Promise<void> {
    const event = {
      class: 'entity-management',
      activity: version === 0 ? 'create' : 'rotate',
      actor,
      details: { entity: { type: 'secret', uid: name, name, version: String(version + 1) } },
    } as const
    const outcome = code === undefined ? ({ status: 'success' } as const) : ({ status: 'failure', code } as const)
    await this.#trail.record([{ kind: 'event', timeMs: this.#nowMs(), event: { ...event, ...outcome } }])
  }

  /** Whole milliseconds, as records and stores hold them. */
  #nowMs(): number {
    return Math.floor(this.#clock.nowMs())
  }

  #noteUse(name: string): void {
    const now = this.#nowMs()
    const noted = this.#noted.get(name)
    if (noted !== undefined && now - noted < USE_NOTED_EVERY_MS) return
    this.#noted.set(name, now)
    this.#store.noteUse(name, now).catch((error: unknown) => {
      // A use that is not noted is no reason to refuse access; the next one tries again.
      this.#noted.delete(name)
      this.#log.warn('vault-use-not-noted', { secret: name, error: String(error) })
    })
  }
}

/** Bound into the seal, so that one secret cannot be put in another's place in the store. */
function contextOf(name: string): string {
  return `secret/${name}`
}

function checkChange(name: string, value: Secret<string>): void {
  if (!NAME.test(name))
    throw new GatewayError('SP_API_INVALID', 'a secret is named by 1 to 63 lower-case letters, digits and hyphens')
  const text = value.expose()
  const length = toUtf8(text).length
  if (length === 0 || length > MAX_VALUE_BYTES || !text.isWellFormed())
    throw new GatewayError('SP_API_INVALID', `the value of a secret is 1 to ${MAX_VALUE_BYTES} bytes of UTF-8`)
}
