import type { Bytes, Clock } from '#base'
import type { Log, Scrubber, Sealer, TrailOutlet } from '#model'
import type { PayloadKeys } from '#model/read'
import type { FilePort } from './file-port.ts'
import type { TrailLimits } from './limits.ts'
import type { OutageCause } from './outage.ts'
import type { PublishedCheckpoint } from './sequencer.ts'

/** What a trail is opened with. */
export interface TrailOptions {
  /** The public folder: `checkpoint`, `vkey`, tiles, bundles, encrypted payloads. What an auditor gets. */
  readonly directory: string
  /** The write-ahead files and the state; better on a disk of its own. */
  readonly walDirectory: string
  /** The sealed signing key and the sealed day keys. */
  readonly keyDirectory: string
  /** The name of the log, `<host>/trail/<node>`; it never changes. */
  readonly origin: string
  /** The version of the product, written into every record. */
  readonly version: string
  readonly clock: Clock
  readonly sealer: Sealer
  readonly scrubber: Scrubber
  readonly log: Log
  /** How often the trail says that it is alive; 60,000 ms unless given. */
  readonly heartbeatMs?: number
  /** How long after the last one a checkpoint may be signed; 1,000 ms unless given. */
  readonly checkpointMs?: number
  readonly limits?: Partial<TrailLimits>
  /** Another disk, for tests: the sequencer then runs in this thread. */
  readonly filePort?: FilePort
}

/** How the trail stands. */
export interface TrailStanding {
  readonly origin: string
  /** Durable records: all below this number. */
  readonly durable: number
  /** Records that the last signed checkpoint covers. */
  readonly size: number
  /** When it was published; 0 before the first of this process. */
  readonly checkpointTimeMs: number
  /** Milliseconds since the oldest durable record that the sequencer has not taken in. */
  readonly lagMs: number
  /** Durable records that the sequencer has not taken in. */
  readonly lagRecords: number
  /** Whether records are taken. */
  readonly writable: boolean
  /** Why not. */
  readonly outage?: OutageCause
  readonly verifierKey: string
}

/** A checkpoint that was just published. */
export interface CheckpointNews extends PublishedCheckpoint {
  readonly timeMs: number
}

/** Whether records are taken, and why not. */
export type Availability = { readonly writable: true } | { readonly writable: false; readonly cause: OutageCause }

/** The trail of one node: its writing side. Reading it is somebody else's, from the public folder. */
export interface Trail extends TrailOutlet, AsyncDisposable {
  /** Opens single payloads; for the reading side. */
  readonly payloadKeys: PayloadKeys
  status(): TrailStanding
  /**
   * Signs that an evidence pack with this manifest was made over this log: a signed note of `packNoteText`, which cannot be taken for a checkpoint.
   *
   * @param manifestSha256 of the manifest (hexadecimal).
   */
  signPack(manifestSha256: string): Bytes
  /** Calls the listener after each published checkpoint; returns how to stop. */
  onCheckpoint(listener: (news: CheckpointNews) => void): () => void
  /** Calls the listener when records begin to be refused and when they are taken again; returns how to stop. */
  onAvailability(listener: (availability: Availability) => void): () => void
  /**
   * Erases the keys of a past day (`2026-11-21`, UTC): its payloads cannot be opened any more, and the log stays valid. Gives the ids of the keys erased.
   *
   * @throws {RangeError} for today, or a day of which records still lie in the write-ahead files.
   */
  eraseDay(day: string): Promise<readonly string[]>
}
