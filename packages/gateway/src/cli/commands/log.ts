import type { Command } from 'commander'
import type { RecordExplanation, RecordList, RecordView, PayloadView } from '#api'
import { systemClock } from '#machine'
import type { Context } from '../context.ts'
import { CommandError, EXIT } from '../exit-codes.ts'
import { explanationText } from '../explanation-text.ts'
import { print, table } from '../output.ts'
import { LOG_HEADS, logRow } from '../record-text.ts'
import { readReference } from '../reference.ts'
import { parseIso } from '../times.ts'

interface LogOptions {
  readonly follow?: boolean
  readonly identity?: string
  readonly resource?: string
  readonly session?: string
  readonly decision?: string
  readonly verb?: string
  readonly server?: string
  readonly tool?: string
  readonly agent?: string
  readonly approval?: string
  readonly since?: string
  readonly until?: string
  readonly before?: string
  readonly limit: string
  readonly all?: boolean
}

/** `log` and `why`: finding records and asking about one. */
export function logCommands(program: Command, context: Context): void {
  program
    .command('log')
    .description('Show what was asked, by whom, and how it ended')
    .option('-f, --follow', 'keep showing new records')
    .option('--identity <person>', 'name, e-mail or id')
    .option('--resource <name>')
    .option('--session <id>')
    .option('--decision <allow|deny|hold>')
    .option('--verb <verb>', 'for instance SELECT')
    .option('--server <name>', 'calls of an MCP server, and what it sends')
    .option('--tool <name>', 'calls of a tool, and what they caused')
    .option('--agent <name>', 'through an AI agent')
    .option('--approval <ref>', 'about a request for approval')
    .option('--since <time>', 'ISO time (UTC where it has no offset), or 15m, 2h, 7d')
    .option('--until <time>')
    .option('--before <number>', 'records before this number (paging)')
    .option('--limit <n>', 'at most this many', '50')
    .option('--all', 'also logins, sessions, readings and changes')
    .action(async (options: LogOptions) => {
      if (options.follow === true) await follow(context, options)
      else await list(context, options)
    })
  program
    .command('why <ref>')
    .description('Explain the decision behind a reference')
    .option('--payload', 'also open the exact statement (is on record itself)')
    .action(async (given: string, options: { payload?: boolean }) => {
      const ref = readReference(given)
      const answer = await context.api().get<RecordExplanation>(`/records/${ref}`)
      const payload =
        options.payload === true ? await context.api().get<PayloadView>(`/records/${ref}/payload`) : undefined
      print(context.output, payload === undefined ? answer : { ...answer, payload: payload.payload }, () =>
        explanationText(answer, payload?.payload),
      )
    })
}

async function list(context: Context, options: LogOptions): Promise<void> {
  const answer = await context.api().get<RecordList>('/records', toQuery(options))
  // Newest last, as people read a log.
  const records = [...answer.records].reverse()
  print(context.output, { ...answer, records }, () =>
    table(
      LOG_HEADS,
      records.map((record) => logRow(record, answer.names)),
    ),
  )
}

async function follow(context: Context, options: LogOptions): Promise<void> {
  const response = await context.api().request('GET', '/records/follow', toQuery(options))
  let rest = ''
  for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) context.output.data(context.output.json ? line : followLine(line))
  }
}

function followLine(line: string): string {
  const record = JSON.parse(line) as RecordView & { names: Readonly<Record<string, string>> }
  return logRow(record, record.names).join('  ')
}

function toQuery(options: LogOptions): Readonly<Record<string, string | undefined>> {
  return {
    identity: options.identity,
    resource: options.resource,
    session: options.session,
    decision: options.decision,
    verb: options.verb,
    server: options.server,
    tool: options.tool,
    agent: options.agent,
    approval: options.approval,
    before: options.before,
    from: toMs(options.since),
    to: toMs(options.until),
    limit: options.limit,
    ...(options.all === true ? {} : { phase: 'intent' }),
  }
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * Reads an ISO time or an age (`15m`) into milliseconds since the epoch, as text.
 *
 * @throws {CommandError} for what is neither.
 */
function toMs(time: string | undefined): string | undefined {
  if (time === undefined) return undefined
  const age = /^(\d+)([smhd])$/.exec(time)
  if (age !== null) return String(systemClock.nowMs() - Number(age[1]) * (UNITS[age[2] ?? ''] ?? 0))
  const at = parseIso(time)
  if (at === undefined)
    throw new CommandError(EXIT.usage, `${JSON.stringify(time)} is neither an ISO time nor an age as 15m, 2h, 7d`)
  return String(at)
}
