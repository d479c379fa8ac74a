/** Runs a command line's sources for the launchers in `packages/<name>/bin`. */
import { fromSources } from './commands.mjs'
import { ensureInstalled } from './install.mjs'
import { findRuntime } from './runtime.mjs'
import { runUnder } from './supervise.mjs'

/**
 * @param file the program; it gets this process's arguments
 * @returns its exit code
 */
export const launch = async (file) => {
  try {
    await ensureInstalled()
    const args = [fromSources, file, ...process.argv.slice(2)]
    return await runUnder(findRuntime(), { args, environment: {}, directory: process.cwd() })
  } catch (error) {
    console.error(`sallyport: ${error.message}`)
    return 1
  }
}
