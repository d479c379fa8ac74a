import { spawn } from 'node:child_process'
import type { Command } from 'commander'
import type { WhoAmI } from '#api'
import type { Context } from '../context.ts'
import { CommandError, EXIT } from '../exit-codes.ts'
import { loginByBrowser, loginByDevice, logout, resourceUri, tokenFor } from '../login.ts'
import { print } from '../output.ts'

interface LoginOptions {
  readonly url?: string
  readonly device?: boolean
  readonly hint?: string
  readonly open: boolean
}

/** `login`, `logout`, `whoami`, `token`. */
export function loginCommands(program: Command, context: Context): void {
  program
    .command('login')
    .description('Log in at your identity provider')
    .option('--url <url>', 'where Sallyport is; default: where you were last logged in')
    .option('--device', 'without a browser on this machine')
    .option('--hint <name>', 'whom to log in')
    .option('--no-open', 'do not open a browser, only say the address')
    .action((options: LoginOptions) => login(context, options))
  program
    .command('logout')
    .description('Give up the login; tokens that came from it end')
    .action(async () => {
      await logout(context.profiles.read(context.profile))
      context.profiles.remove(context.profile)
      context.output.talk('logged out')
    })
  program
    .command('whoami')
    .description('Show who you are here and what you may reach')
    .action(async () => {
      const answer = await context.api().get<WhoAmI>('/whoami')
      print(context.output, answer, () => whoText(answer))
    })
}

/** `token <resource>` prints a token; `token revoke` ends one. */
export function tokenCommands(program: Command, context: Context): void {
  const token = program
    .command('token')
    .usage('<resource> | revoke [options]')
    .description('Get the password for a resource, which admits for 15 minutes; or revoke')
  token
    .command('get <resource>', { isDefault: true, hidden: true })
    .description('print a token for the resource: give it as password; it admits for 15 minutes')
    .action((resource: string) => printToken(context, resource))
  token
    .command('revoke')
    .description('revoke a token, a login or everything of a person; open sessions end')
    .option('--token-stdin', 'read the token from standard input')
    .option('--id <tok_…>', 'a token by its id')
    .option('--login <grt_…>', 'a login by its id')
    .option('--person <name>', 'everything of a person')
    .requiredOption('--reason <text>')
    .action(async (options: { tokenStdin?: boolean; id?: string; login?: string; person?: string; reason: string }) => {
      const body = {
        token: options.tokenStdin === true ? await readStandardInput() : undefined,
        tokenId: options.id,
        grantId: options.login,
        person: options.person,
        reason: options.reason,
      }
      if ([body.token, body.tokenId, body.grantId, body.person].filter((each) => each !== undefined).length !== 1)
        throw new CommandError(EXIT.usage, 'say one of --token-stdin, --id, --login, --person')
      await context.api().send('POST', '/revocations', body)
      context.output.talk('revoked; open sessions end within five seconds')
    })
}

async function login(context: Context, options: LoginOptions): Promise<void> {
  const url = (
    options.url ??
    context.environment['SALLYPORT_URL'] ??
    context.profiles.find(context.profile)?.url
  )?.replace(/\/+$/, '')
  if (url === undefined) throw new CommandError(EXIT.usage, 'where is Sallyport?', 'sallyport login --url https://…')
  const words = {
    say: (line: string) => {
      context.output.talk(line)
    },
    open: (address: string) => {
      if (options.open) openBrowser(address)
    },
  }
  const profile =
    options.device === true ? await loginByDevice(url, words) : await loginByBrowser(url, words, options.hint)
  context.profiles.write(context.profile, profile)
  context.output.talk(`logged in as ${profile.name}`)
}

async function printToken(context: Context, resource: string): Promise<void> {
  const { profile, profiles } = context
  const { token, expiresAtMs, name } = await profiles.exclusively(profile, async () => {
    const kept = profiles.read(profile)
    const fresh = await tokenFor(kept, resourceUri(kept.url, resource))
    profiles.write(profile, fresh.profile)
    return { ...fresh, name: kept.name }
  })
  context.output.talk(`for ${resource}, as ${name}, until ${new Date(expiresAtMs).toISOString()}`)
  const answer = { apiVersion: 'sallyport/v1', kind: 'Token', token, resource, expiresAtMs }
  print(context.output, answer, () => token)
}

function whoText(answer: WhoAmI): string {
  const { identity, resources } = answer
  const groups = identity.groups.length === 0 ? 'no groups' : identity.groups.join(', ')
  const reach = resources.map(
    (resource) =>
      `  ${resource.name} (${resource.kind}): ${resource.connect === 'allow' ? 'you may connect' : 'no permit to connect'}`,
  )
  return [
    `${identity.name} (${identity.kind} ${identity.id}; ${groups}; ${identity.mfa ? 'more than one factor' : 'one factor'})`,
    ...reach,
  ].join('\n')
}

/** Opens the system's browser; that there is none is no error, since the address was said. */
function openBrowser(address: string): void {
  const command = process.platform === 'darwin' ? 'open' : process.platform === 'win32' ? 'explorer' : 'xdg-open'
  const child = spawn(command, [address], { stdio: 'ignore', detached: true })
  child.on('error', () => undefined)
  child.unref()
}

/** Reads a secret from standard input, without the line end. */
export async function readStandardInput(): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of process.stdin) parts.push(part as Buffer)
  return Buffer.concat(parts)
    .toString('utf8')
    .replace(/\r?\n$/, '')
}
