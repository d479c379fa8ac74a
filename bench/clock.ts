/** The monotonic clock in µs: of the whole machine, and the one of V8's profiles. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1000n)
}
