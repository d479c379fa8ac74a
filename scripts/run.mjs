/**
 * The one way into this checkout: `node scripts/run.mjs <command> [arguments]`, behind every script of package.json.
 *
 * It runs on whatever Node the machine has (20 or later, so plain JavaScript of that age), installs the locked dependencies when they
 * are missing or stale, and runs the command's program under the Node that the lock file pins, with the sources as they stand.
 */
import { commands } from './commands.mjs'
import { ensureInstalled } from './install.mjs'
import { findRuntime } from './runtime.mjs'
import { runUnder } from './supervise.mjs'

const [name = '', ...rest] = process.argv.slice(2)

try {
  if (Number.parseInt(process.versions.node, 10) < 20)
    throw new Error(`needs Node 20 or later; this is ${process.version}`)
  const command = commands[name]
  if (command === undefined) throw new Error(`no command '${name}'; there are: ${Object.keys(commands).join(', ')}`)
  await ensureInstalled()
  const runtime = findRuntime()
  for (const step of command(rest)) {
    const status = await runUnder(runtime, step)
    if (status !== 0) process.exit(status)
  }
} catch (error) {
  console.error(`sallyport: ${error.message}`)
  process.exit(1)
}
