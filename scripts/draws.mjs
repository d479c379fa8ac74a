/**
 * Loaded before the tests: what properties are tried with. `npm test` draws the same each time, so that it answers for the change and
 * not for the luck of the draw; `npm run fuzz`, and a test file run alone, draw anew, and a failure names the seed that shows it again.
 * With SALLYPORT_FUZZ_SEED=number both draw from that.
 */
import { env } from 'node:process'
import { isMainThread } from 'node:worker_threads'

// Threads inherit what their process was started with, but test nothing.
if (isMainThread && env.SALLYPORT_FUZZ_SEED !== undefined) {
  const { configureGlobal } = await import('fast-check')
  configureGlobal({ seed: Number(env.SALLYPORT_FUZZ_SEED) })
}
