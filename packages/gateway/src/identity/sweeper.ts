import type { Clock } from '#base'
import type { IdentityStore, Log } from '#model'
import { describeFault } from './fault.ts'

/** How often what has expired is removed. */
const EVERY_MS = 60_000
/** How much at a time: each removal is one synced write on the main thread. */
const AT_ONCE = 1000

/** Removes expired artefacts and revocations now and then, until stopped; it keeps no process alive. */
export function startSweeping({
  store,
  clock,
  log,
}: {
  readonly store: IdentityStore
  readonly clock: Clock
  readonly log: Log
}): { stop(): void } {
  const timer = setInterval(() => {
    sweep(store, Math.floor(clock.nowMs())).catch((error: unknown) => {
      log.warn('identity-sweep-failed', { error: describeFault(error) })
    })
  }, EVERY_MS)
  timer.unref()
  return {
    stop: () => {
      clearInterval(timer)
    },
  }
}

async function sweep({ artefacts, revocations }: IdentityStore, nowMs: number): Promise<void> {
  await revocations.sweep(nowMs, AT_ONCE)
  for (let removed = AT_ONCE; removed === AT_ONCE;) removed = await artefacts.sweep(nowMs, AT_ONCE)
}
