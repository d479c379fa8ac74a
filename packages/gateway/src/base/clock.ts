/** Where time comes from; a port, so that tests are exact and records reproducible. */
export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch, with a fraction where the platform has one. */
  nowMs(): number
  /** Milliseconds since an arbitrary start; never goes back. For durations and deadlines only. */
  monotonicMs(): number
}

/** Where fresh identifiers come from. */
export interface Ids {
  /** An unguessable identifier of 26 lower-case base32 characters (130 bits). */
  next(): string
}
