import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Pinned } from '#app'
import type { Context } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { loadApp } from '../load-app.ts'
import { print } from '../output.ts'
import { readStandardInput } from './login.ts'

/** `init`, `validate`, `up`, `policy test`: what works on the files of a boundary. */
export function gatewayCommands(program: Command, context: Context): void {
  program
    .command('init [folder]')
    .description('write a sallyport.yaml and a policy folder to start from')
    .action(async (folder: string = '.') => {
      const { initialise } = await loadApp()
      for (const file of initialise(resolve(context.cwd, folder))) context.output.talk(`wrote ${file}`)
    })
  program
    .command('validate')
    .description('check the configuration and the policy')
    .option('-c, --config <file>', 'configuration', 'sallyport.yaml')
    .action(async (options: { config: string }) => {
      const { validate } = await loadApp()
      const problems = validate(resolve(context.cwd, options.config))
      print(context.output, { apiVersion: 'sallyport/v1', kind: 'Validation', problems }, () =>
        problems.length === 0 ? 'valid' : problems.join('\n'),
      )
      if (problems.length > 0) process.exitCode = EXIT.usage
    })
  program
    .command('up')
    .description('run the gateway')
    .option('-c, --config <file>', 'configuration', 'sallyport.yaml')
    .option('--until-eof', 'stop when standard input ends: for whoever starts it as a child')
    .action((options: { config: string; untilEof?: boolean }) =>
      up(context, resolve(context.cwd, options.config), options.untilEof === true),
    )
  program
    .command('seal <name>')
    .description('seal a secret read from standard input while the gateway is not running (first set-up)')
    .option('-c, --config <file>', 'configuration', 'sallyport.yaml')
    .action(async (name: string, options: { config: string }) => {
      const { sealSecretOffline } = await loadApp()
      await sealSecretOffline(
        resolve(context.cwd, options.config),
        context.environment,
        name,
        await readStandardInput(),
      )
      context.output.talk(`${name} is sealed`)
    })
  program
    .command('mcp')
    .description('Work on MCP servers')
    .command('pin <server>')
    .description("write the definitions of a server's tools beside the policy, for review")
    .option('-c, --config <file>', 'configuration', 'sallyport.yaml')
    .action(async (server: string, options: { config: string }) => {
      const { closeInherited, pinTools } = await loadApp()
      closeInherited()
      const pinned = await pinTools(resolve(context.cwd, options.config), context.environment, server)
      print(context.output, { apiVersion: 'sallyport/v1', kind: 'PinnedTools', ...pinned }, () => formatPinned(pinned))
    })
  const policy = program.command('policy').description('Work on policy')
  policy
    .command('test')
    .description('run the cases of policy/tests.yaml')
    .option('-c, --config <file>', 'configuration', 'sallyport.yaml')
    .action(async (options: { config: string }) => {
      const { runPolicyTests } = await loadApp()
      const result = runPolicyTests(resolve(context.cwd, options.config))
      print(context.output, { apiVersion: 'sallyport/v1', kind: 'PolicyTest', ...result }, () =>
        result.lines.join('\n'),
      )
      if (result.failed > 0) process.exitCode = EXIT.unexpected
    })
}

/** What was pinned, a line for each tool. */
function formatPinned({ file, isolation, tools }: Pinned): string {
  const lines = tools.map(({ name, hash, change }) => `  ${change.padEnd(8)}${name}  ${hash.slice(0, 12)}`)
  const next =
    'Review the definitions; policy can name these tools now. A running gateway takes both in force upon kill -HUP.'
  return [`${file} (asked in: ${isolation})`, ...lines, next].join('\n')
}

async function up(context: Context, config: string, untilEof: boolean): Promise<void> {
  const { closeInherited, startGateway } = await loadApp()
  closeInherited()
  const gateway = await startGateway(config, { environment: context.environment, logLevel: 'info' })
  for (const line of [...gateway.missing(), ...gateway.addresses()]) context.output.talk(line)
  context.output.data('ready')
  const stop = Promise.withResolvers<void>()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      stop.resolve()
    })
  }
  if (untilEof) {
    process.stdin.resume().once('end', () => {
      stop.resolve()
    })
  }
  process.on('SIGHUP', () => {
    gateway.reloadPolicy().catch((error: unknown) => {
      context.output.talk(`the policy was not loaded; the old one stays in force: ${String(error)}`)
    })
  })
  await stop.promise
  // Whoever started it may hold the other end open, and a stream that is read keeps the process alive.
  if (untilEof) process.stdin.pause()
  await gateway.stop()
}
