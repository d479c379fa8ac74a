import type { Clock } from '#base'

/** The machine's clock: the only place of the gateway that asks it. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
}
