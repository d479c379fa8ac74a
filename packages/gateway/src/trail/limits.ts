/** What bounds the trail; every figure can be set, for tests and small machines. */
export interface TrailLimits {
  /** Bytes of one segment of the write-ahead files. */
  readonly segmentBytes: number
  /** Bytes that wait for their commit at most; more is refused. */
  readonly queueBytes: number
  /** Operations without an outcome at most; more is refused. */
  readonly openIntents: number
  /** How long one commit may take before the trail gives it up. */
  readonly commitTimeoutMs: number
  /** Records that the sequencer may be behind before writers are refused; from half of it on they are slowed down. */
  readonly lagRecords: number
  /** Segments that may wait for the sequencer before writers are refused. */
  readonly lagSegments: number
  /** From which delay on the log says that the sequencer is behind. */
  readonly lagAlarmMs: number
}

/** The limits in force unless others are given. */
export const DEFAULT_LIMITS: TrailLimits = {
  segmentBytes: 16 * 1024 * 1024,
  queueBytes: 16 * 1024 * 1024,
  openIntents: 65_536,
  commitTimeoutMs: 10_000,
  lagRecords: 400_000,
  lagSegments: 64,
  lagAlarmMs: 5_000,
}

/** Entries of one frame, unless one call alone needs more. */
export const FRAME_TARGET_BYTES = 1_048_576

/** Entries of one call at most: a call is one frame. */
export const MAX_CALL_BYTES = 8_388_608
