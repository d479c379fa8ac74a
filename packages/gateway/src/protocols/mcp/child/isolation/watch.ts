import type { SandboxedProcess, SandboxLimits } from './sandbox.ts'

/** How often a child at work is looked at; the kernel has no limit for the memory of several processes that anybody may set. */
const LOOK_EVERY_MS = 250
/** One at rest is looked at this much less often. */
const REST_FACTOR = 4

/** Kills a child that uses more than it may; returns how to stop looking. `tell` hears why, before. */
export function watch(
  process: SandboxedProcess,
  limits: SandboxLimits,
  options: { readonly isAtRest: () => boolean; readonly tell: (why: string) => void },
): () => void {
  let looks = 0
  const timer = setInterval(() => {
    if (looks++ % REST_FACTOR !== 0 && options.isAtRest()) return
    const { memoryBytes, processes } = process.usage()
    const why =
      memoryBytes > limits.memoryBytes
        ? 'it used more memory than limits.memoryMb'
        : processes > limits.processes
          ? `it ran more than ${limits.processes} processes`
          : undefined
    if (why === undefined) return
    clearInterval(timer)
    options.tell(why)
    process.kill()
  }, LOOK_EVERY_MS).unref()
  const stop = (): void => {
    clearInterval(timer)
  }
  void process.gone.then(stop)
  return stop
}
