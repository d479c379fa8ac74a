import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { VERSION } from '#base'
import { type ApprovalDesk, createApprovals } from '#approvals'
import { systemClock } from '#machine'
import type { ControlStore, Log, Sealer } from '#model'
import { type CardMasking, createMasking, rulesetText } from '#masking'
import { openStore } from '#storage'
import { openTrail, type Trail } from '#trail'
import { createSealer, createVault, type Vault } from '#vault'
import type { Config } from './config/load.ts'
import { detectors } from './detectors.ts'
import { masterKey } from './keys.ts'
import { createLog, type LogLevel } from './log.ts'

/** What lies under everything else: keys, store, masking, trail, vault, requests for approvals. */
export interface Foundation extends AsyncDisposable {
  readonly log: Log
  readonly masking: CardMasking
  readonly sealer: Sealer
  readonly store: ControlStore
  readonly trail: Trail
  readonly vault: Vault
  readonly approvals: ApprovalDesk
  readonly trailFolder: string
}

/** How a gateway is started, besides its configuration. */
export interface StartOptions {
  readonly environment: NodeJS.ProcessEnv
  readonly logLevel: LogLevel
}

/**
 * Opens keys, store and trail of a configuration, recovering the trail first.
 *
 * @throws {GatewayError} `SP_TRAIL_TAMPERED`, `SP_VAULT_SEAL_BROKEN`, `SP_CONFIG_INVALID`.
 */
export async function openFoundation(config: Config, options: StartOptions): Promise<Foundation> {
  mkdirSync(config.dataFolder, { recursive: true, mode: 0o700 })
  chmodSync(config.dataFolder, 0o700)
  const ruleset = createHash('sha256').update(rulesetText(detectors)).digest('hex')
  const masking = createMasking(detectors, ruleset)
  const log = createLog(masking.scrubber, options.logLevel)
  const sealer = createSealer(masterKey(config.file.masterKey.from, config.folder, options.environment))
  const store = await openStore({ file: join(config.dataFolder, 'store.db') })
  const trailFolder = join(config.dataFolder, 'trail')
  const trail = await openTrail({
    directory: trailFolder,
    walDirectory: join(config.dataFolder, 'wal'),
    keyDirectory: join(config.dataFolder, 'keys'),
    origin: `${new URL(config.publicUrl).host}/trail/${config.file.node}`,
    version: VERSION,
    clock: systemClock,
    sealer,
    scrubber: masking.scrubber,
    log,
  })
  const vault = createVault({ store: store.secrets, sealer, clock: systemClock, trail, log })
  const approvals = await createApprovals({
    store: store.requests,
    keys: store.keys,
    sealer,
    trail,
    scrubber: masking.scrubber,
    clock: systemClock,
    log,
    limits: {
      answerWithinMs: config.file.approvals.answerSeconds * 1000,
      useWithinMs: config.file.approvals.useSeconds * 1000,
    },
  })
  const close = async (): Promise<void> => {
    await trail[Symbol.asyncDispose]()
    await store.close()
  }
  return { log, masking, sealer, store, trail, vault, approvals, trailFolder, [Symbol.asyncDispose]: close }
}
