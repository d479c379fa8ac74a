import type { Command } from 'commander'
import type { RecordExplanation, RecordList, RecordView, PayloadView } from '#api'
import { systemClock } from '#app'
import type { Context } from '../context.ts'
import { print, table, utc } from '../output.ts'

interface LogOptions {
  readonly follow?: boolean
  readonly identity?: string
  readonly resource?: string
  readonly session?: string
  readonly decision?: string
  readonly verb?: string
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
    .option('--since <time>', 'ISO time, or 15m, 2h, 7d')
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
    .action(async (ref: string, options: { payload?: boolean }) => {
      const answer = await context.api().get<RecordExplanation>(`/records/${encodeURIComponent(ref)}`)
      const payload =
        options.payload === true
          ? await context.api().get<PayloadView>(`/records/${encodeURIComponent(ref)}/payload`)
          : undefined
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
      HEADS,
      records.map((record) => row(record, answer.names)),
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
  return row(record, record.names).join('  ')
}

const HEADS = ['TIME', 'REF', 'WHO', 'RESOURCE', 'DECISION', 'WHAT', 'RESULT']

function row(record: RecordView, names: Readonly<Record<string, string>>): readonly string[] {
  const { leaf } = record
  const uid = text(leaf, 'actor', 'user', 'uid')
  return [
    utc(Number(leaf['time'])),
    record.ref,
    names[uid] ?? uid,
    text(leaf, 'dst_endpoint', 'svc_name'),
    text(leaf, 'unmapped', 'decision', 'outcome') || STATUS[text(leaf, 'status_id')] || '',
    text(leaf, 'query_info', 'query_string') ||
      text(leaf, 'unmapped', 'activity') ||
      text(leaf, 'unmapped', 'lifecycle'),
    resultText(record),
  ]
}

/** OCSF's `status_id` in words. */
const STATUS: Readonly<Record<string, string>> = { '1': 'success', '2': 'failure' }

function resultText(record: RecordView): string {
  const { outcome } = record
  if (outcome === undefined) return ''
  const masked = maskedCount(outcome)
  const rows = text(outcome, 'unmapped', 'rows')
  const status = text(outcome, 'unmapped', 'status')
  return [status, rows === '' ? '' : `${rows} rows`, masked === 0 ? '' : `${masked} truncated`]
    .filter((part) => part !== '')
    .join(', ')
}

function maskedCount(outcome: unknown): number {
  const columns = member(member(member(outcome, 'unmapped'), 'masking'), 'columns')
  if (!Array.isArray(columns)) return 0
  return columns.reduce((sum: number, column: unknown) => sum + Number(member(column, 'masked') ?? 0), 0)
}

function explanationText(answer: RecordExplanation, payload: string | undefined): string {
  const { record } = answer
  const [time, ref, who, resource, decision, what, result] = row(record, answer.names)
  return [
    `${ref}  ${decision}  ${time}  ${who} → ${resource}`,
    `  what    ${what}`,
    ...(result === '' ? [] : [`  result  ${result}`]),
    ...answer.explanation.map((line) => `  ${line}`),
    `  record  ${record.sequence} of ${text(record.leaf, 'metadata', 'log_name')}`,
    ...(payload === undefined ? [] : [`  payload ${payload}`]),
  ].join('\n')
}

function toQuery(options: LogOptions): Readonly<Record<string, string | undefined>> {
  return {
    identity: options.identity,
    resource: options.resource,
    session: options.session,
    decision: options.decision,
    verb: options.verb,
    before: options.before,
    from: toMs(options.since),
    to: toMs(options.until),
    limit: options.limit,
    ...(options.all === true ? {} : { phase: 'intent' }),
  }
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Reads an ISO time or an age (`15m`) into milliseconds since the epoch, as text; what is neither is left to the API to refuse. */
function toMs(time: string | undefined): string | undefined {
  if (time === undefined) return undefined
  const age = /^(\d+)([smhd])$/.exec(time)
  if (age !== null) return String(systemClock.nowMs() - Number(age[1]) * (UNITS[age[2] ?? ''] ?? 0))
  const at = Date.parse(time)
  return Number.isNaN(at) ? time : String(at)
}

/** A member deep in a leaf as text; empty when it is not there. */
function text(leaf: unknown, ...path: readonly string[]): string {
  const value = path.reduce(member, leaf)
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined
}
