import { parseArgs } from 'node:util'
import { Command, CommanderError } from 'commander'
import { VERSION } from '#base'
import { GatewayError, catalogue } from '#model'
import { secretCommands, sessionCommands, trailCommands } from './commands/administration.ts'
import { evidenceCommands } from './commands/evidence.ts'
import { gatewayCommands } from './commands/gateway.ts'
import { logCommands } from './commands/log.ts'
import { loginCommands, tokenCommands } from './commands/login.ts'
import { requestCommands } from './commands/requests.ts'
import { createContext } from './context.ts'
import { CommandError, EXIT, exitCodeOf } from './exit-codes.ts'
import { createOutput, plain } from './output.ts'
import { Profiles } from './profile.ts'

/**
 * cli: `sallyport`. Arguments in, the API's answers out; it holds no rule of its own.
 *
 * Data goes to standard output, talk to standard error, and the exit code says what a script can do about it (`exit-codes.ts`).
 */
async function main(argv: readonly string[]): Promise<void> {
  const { json, profile } = commonOptions(argv)
  const environment = process.env
  const cwd = process.cwd()
  const context = createContext({
    output: createOutput(json, streams),
    profiles: new Profiles(environment, cwd),
    profile,
    environment,
    cwd,
  })
  const program = new Command('sallyport')
    .description('The access boundary in front of your cardholder data environment')
    .option('--profile <name>', 'which login to use (also SALLYPORT_PROFILE)')
    .option('--json', 'machine-readable answers')
    .version(VERSION, '--version', 'print the version')
    .showHelpAfterError()
    .exitOverride()
  loginCommands(program, context)
  tokenCommands(program, context)
  logCommands(program, context)
  requestCommands(program, context)
  sessionCommands(program, context)
  secretCommands(program, context)
  trailCommands(program, context)
  evidenceCommands(program, context)
  gatewayCommands(program, context)
  program.configureHelp({ showGlobalOptions: true })
  for (const command of allCommands(program))
    command.option('--json', 'machine-readable answers').option('--profile <name>', 'which login to use').exitOverride()
  await program.parseAsync([...argv], { from: 'user' })
}

/** What every command takes, wherever it stands: `--profile bob` and `--profile=bob`. */
function commonOptions(argv: readonly string[]): { readonly json: boolean; readonly profile: string } {
  const options = { json: { type: 'boolean' }, profile: { type: 'string' } } as const
  const { json, profile } = parseArgs({ args: [...argv], options, strict: false }).values
  const named = typeof profile === 'string' ? profile : process.env['SALLYPORT_PROFILE']
  return { json: json === true, profile: named ?? 'default' }
}

function allCommands(command: Command): readonly Command[] {
  return command.commands.flatMap((child) => [child, ...allCommands(child)])
}

const streams = {
  out: (text: string) => process.stdout.write(text),
  err: (text: string) => process.stderr.write(text),
}

/** Says an error in words and answers with its exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (error instanceof CommandError) return say(error.message, error.next, error.exitCode)
  if (error instanceof GatewayError) return say(error.message, catalogue[error.code].next, exitCodeOf(error.code))
  return say(error instanceof Error ? error.message : String(error), undefined, EXIT.unexpected)
}

function say(message: string, next: string | undefined, exitCode: number): number {
  process.stderr.write(plain(`${message}\n${next === undefined ? '' : `  next: ${next}\n`}`))
  return exitCode
}

// A full disk or a reader that went away costs lines of the log, nothing else: what must be on record is in the trail.
process.stderr.on('error', () => undefined)
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok)
})

try {
  await main(process.argv.slice(2))
} catch (error) {
  process.exitCode = report(error)
}
