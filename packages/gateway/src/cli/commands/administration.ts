import { statSync } from 'node:fs'
import type { Command } from 'commander'
import type { SecretList, SessionList, TrailStatusView, TrailVerification, Transcript } from '#api'
import type { Context } from '../context.ts'
import { CommandError, EXIT } from '../exit-codes.ts'
import { loadApp } from '../load-app.ts'
import { print, table, utc } from '../output.ts'
import { transcriptBody, transcriptFoot, transcriptHead } from '../transcript-text.ts'
import { readStandardInput } from './login.ts'

/** `sessions ls | show | end`. */
export function sessionCommands(program: Command, context: Context): void {
  const sessions = program.command('sessions').description('See and end open sessions')
  sessions
    .command('ls', { isDefault: true })
    .description('list open sessions')
    .action(async () => {
      const answer = await context.api().get<SessionList>('/sessions')
      print(context.output, answer, () => sessionTable(answer))
    })
  sessions
    .command('show <id>')
    .description('show one open session, or with --transcript what was done in any session')
    .option('--transcript', 'every operation with decision, approval, masking, result and proof (is on record itself)')
    .action(async (id: string, options: { transcript?: boolean }) => {
      if (options.transcript === true) {
        await showTranscript(context, id)
        return
      }
      const answer = await context.api().get<SessionList>(`/sessions/${encodeURIComponent(id)}`)
      print(context.output, answer, () => sessionTable(answer))
    })
  sessions
    .command('end <id>')
    .description('end a session; its running statement is cancelled')
    .requiredOption('--reason <text>')
    .action(async (id: string, options: { reason: string }) => {
      await context.api().send('POST', `/sessions/${encodeURIComponent(id)}/end`, { reason: options.reason })
      context.output.talk('ended')
    })
}

/** Page by page; as JSON a line for each. */
async function showTranscript(context: Context, session: string): Promise<void> {
  let after: number | undefined = -1
  let isFirst = true
  while (after !== undefined) {
    const path = `/sessions/${encodeURIComponent(session)}/transcript`
    const page: Transcript = await context.api().get<Transcript>(path, { after: String(after) })
    const parts = [...(isFirst ? [transcriptHead(page)] : []), transcriptBody(page)]
    print(context.output, page, () => [...parts, ...(page.next === undefined ? [transcriptFoot(page)] : [])].join('\n'))
    isFirst = false
    after = page.next
  }
}

/** `secret set | ls | rotate`. */
export function secretCommands(program: Command, context: Context): void {
  const secret = program.command('secret').description("Keep the resources' credentials in the vault")
  secret
    .command('ls', { isDefault: true })
    .description('list secrets, their age and last use; never a value')
    .action(async () => {
      const answer = await context.api().get<SecretList>('/secrets')
      const rows = answer.secrets.map((entry) => [
        entry.name,
        String(entry.version),
        utc(entry.createdAtMs),
        utc(entry.rotatedAtMs),
        entry.lastUsedAtMs === undefined ? 'never' : utc(entry.lastUsedAtMs),
      ])
      print(context.output, answer, () => table(['NAME', 'VERSION', 'CREATED', 'ROTATED', 'LAST USED'], rows))
    })
  for (const [verb, method, path, what] of [
    ['set', 'PUT', '', 'seal a secret read from standard input'],
    ['rotate', 'POST', '/rotate', 'replace a secret by one read from standard input; sessions from now on use it'],
  ] as const) {
    secret
      .command(`${verb} <name>`)
      .description(what)
      .action(async (name: string) => {
        await context
          .api()
          .send(method, `/secrets/${encodeURIComponent(name)}${path}`, { value: await readStandardInput() })
        context.output.talk(`${name} is sealed`)
      })
  }
}

/** `trail status | verify`. */
export function trailCommands(program: Command, context: Context): void {
  const trail = program.command('trail').description('See how the trail stands; verify it')
  trail
    .command('status', { isDefault: true })
    .description('show size, checkpoint and lag')
    .action(async () => {
      const answer = await context.api().get<TrailStatusView>('/trail/status')
      print(context.output, answer, () => statusText(answer))
    })
  trail
    .command('verify [folder]')
    .description("verify a trail's folder here, or have the gateway verify its own")
    .action(async (folder: string | undefined) => {
      const answer = folder === undefined ? await verifyThere(context) : await verifyHere(folder)
      print(context.output, answer, () => answer.lines.join('\n'))
      process.exitCode = answer.exitCode
    })
}

async function verifyHere(folder: string): Promise<TrailVerification> {
  // Not the verifier's "cannot decide", and not the 2 of wrong usage, which from here means "altered".
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new CommandError(
      EXIT.notFound,
      `there is no folder ${folder}`,
      "name a trail's folder: data/trail, or a copy",
    )
  const { verifyTrailFolder } = await loadApp()
  return await verifyTrailFolder(folder)
}

async function verifyThere(context: Context): Promise<TrailVerification> {
  return (await (await context.api().send('POST', '/trail/verify', {})).json()) as TrailVerification
}

function sessionTable(answer: SessionList): string {
  const rows = answer.sessions.map((session) => [
    session.id,
    session.identity.name,
    session.resource,
    session.client,
    utc(session.startedAtMs),
    utc(session.lastActiveMs),
    `${session.operations}${session.running === 0 ? '' : ` (${session.running} running)`}`,
    session.tokenId,
    session.grantId,
  ])
  return table(['SESSION', 'WHO', 'RESOURCE', 'FROM', 'SINCE', 'LAST ACTIVE', 'OPERATIONS', 'TOKEN', 'LOGIN'], rows)
}

function statusText(status: TrailStatusView): string {
  return [
    `origin      ${status.origin}`,
    `records     ${status.durable} durable, ${status.size} in the last signed checkpoint (${utc(status.checkpointTimeMs)})`,
    `index       ${status.indexed} records`,
    `lag         ${status.lagMs} ms`,
    `writable    ${status.writable ? 'yes' : 'NO: access is paused'}`,
    `key         ${status.verifierKey}`,
  ].join('\n')
}
