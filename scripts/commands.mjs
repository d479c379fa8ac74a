/**
 * What each command runs under the pinned Node. A command is a function from its arguments to the steps to run in order; a step is
 * Node's arguments and the environment variables to add.
 */
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './checkout.mjs'

/** Sources, not `dist`: see `imports` and `exports` in the packages. */
export const fromSources = '--conditions=@sallyport/source'

/** Files side by side: the default, one fewer than the machine's cores, leaves two cores mostly idle. */
const concurrency = '--test-concurrency=4'

/** A hung test is a failure, not a stuck terminal. */
const timeout = '--test-timeout=300000'

/** What properties are tried with. */
const draws = `--import=${pathToFileURL(path.join(root, 'scripts/draws.mjs')).href}`

const runTests = (options, patterns, args, environment = {}) => {
  const flags = args.filter((arg) => arg.startsWith('-'))
  const files = args.filter((arg) => !arg.startsWith('-'))
  const chosen = files.length > 0 ? files : patterns
  return [{ args: [fromSources, '--test', '--test-reporter=spec', ...options, ...flags, ...chosen], environment }]
}

const runFile = (file, args, options = []) => [{ args: [fromSources, ...options, file, ...args], environment: {} }]

export const commands = {
  // The demo says how long it took from the command on.
  start: (args) => [
    {
      args: [fromSources, 'demo/main.ts', ...args],
      environment: { SALLYPORT_COMMAND_AT_MS: String(performance.timeOrigin) },
    },
  ],
  dev: (args) =>
    runFile('demo/main.ts', args, ['--watch', '--watch-path=packages', '--watch-path=demo', '--watch-preserve-output']),
  test: (args) =>
    runTests(
      [concurrency, timeout, draws],
      ['packages/*/{src,testkit}/**/*.test.ts', 'test/**/*.test.ts', 'demo/**/*.test.ts'],
      args,
      { SALLYPORT_FUZZ_SEED: process.env.SALLYPORT_FUZZ_SEED ?? '1' },
    ),
  // One file at a time: they measure time and share the machine with the servers they start.
  e2e: (args) => runTests(['--test-concurrency=1', '--test-timeout=900000'], ['e2e/**/*.test.ts'], args),
  fuzz: (args) =>
    runTests(['--test-concurrency=2', draws], ['packages/*/src/**/*.fuzz.test.ts'], args, {
      SALLYPORT_FUZZ_RUNS: process.env.SALLYPORT_FUZZ_RUNS ?? '10000000',
    }),
  bench: (args) => runFile('bench/main.ts', args),
  check: (args) => runFile('scripts/check.mjs', args),
  generate: (args) => runFile('scripts/generate.mjs', args),
  format: (args) =>
    runFile('node_modules/prettier/bin/prettier.cjs', [
      '--write',
      '--log-level=warn',
      ...(args.length > 0 ? args : ['.']),
    ]),
  build: (args) => args.flatMap((name) => runFile('scripts/build.mjs', [name])),
}
