import type { RecordView } from '#api'
import { oneLine, utc } from './output.ts'

/** Names of persons by stable id; erased names are absent. */
export type Names = Readonly<Record<string, string>>

/** The heads of the columns of a log. */
export const LOG_HEADS: readonly string[] = ['TIME', 'REF', 'WHO', 'RESOURCE', 'DECISION', 'WHAT', 'RESULT']

/** A record as a row of a log. */
export function logRow(record: RecordView, names: Names): readonly string[] {
  return [
    timeText(record),
    record.ref,
    chainText(record, names),
    text(record.leaf, 'dst_endpoint', 'svc_name'),
    decisionText(record),
    whatText(record),
    resultText(record),
  ]
}

export function timeText({ leaf }: RecordView): string {
  return utc(Number(leaf['time']))
}

/** Who acted, and through what: `alice via claude-code via ledger/lookup_customer`. */
export function chainText(record: RecordView, names: Names): string {
  const { leaf } = record
  const hops = [personText(record, names), text(leaf, 'actor', 'app_name'), wayText(record)]
  return hops.filter((hop) => hop !== '').join(' via ')
}

/** The person or workload. */
export function personText({ leaf }: RecordView, names: Names): string {
  const uid = text(leaf, 'actor', 'user', 'uid')
  return oneLine(names[uid] ?? uid)
}

/** The MCP server in between, with the tool where that is certain. */
export function wayText({ leaf }: RecordView): string {
  const server = text(leaf, 'unmapped', 'via', 'server')
  const tool = text(leaf, 'unmapped', 'via', 'tool')
  return tool === '' ? server : `${server}/${tool}`
}

/** OCSF's `status_id` in words. */
const STATUS: Readonly<Record<string, string>> = { '1': 'success', '2': 'failure' }

export function decisionText({ leaf }: RecordView): string {
  return text(leaf, 'unmapped', 'decision', 'outcome') || STATUS[text(leaf, 'status_id')] || ''
}

/** The statement or call without its values, or what happened. */
export function whatText({ leaf }: RecordView): string {
  return (
    text(leaf, 'query_info', 'query_string') ||
    text(leaf, 'unmapped', 'template') ||
    text(leaf, 'unmapped', 'activity') ||
    text(leaf, 'unmapped', 'lifecycle')
  )
}

/** How an operation ended. */
export function resultText({ outcome }: RecordView): string {
  if (outcome === undefined) return ''
  const masked = maskedColumns(outcome).reduce<number>((sum, column) => sum + Number(text(column, 'masked')), 0)
  const rows = text(outcome, 'unmapped', 'rows')
  const status = text(outcome, 'unmapped', 'status')
  const code = text(outcome, 'status_code')
  return [
    code === '' ? status : `${status} ${code}`,
    rows === '' ? '' : `${rows} rows`,
    masked === 0 ? '' : `${masked} truncated`,
  ]
    .filter((part) => part !== '')
    .join(', ')
}

/** What was truncated in a result, a line for each column: `pan: 2 of 3 by declared-pan`. */
export function maskingLines({ outcome }: RecordView): readonly string[] {
  return maskedColumns(outcome).map((column) => {
    const [name, rule, seen, masked] = ['name', 'rule', 'seen', 'masked'].map((key) => text(column, key))
    return `${name}: ${masked} of ${seen} by ${rule}`
  })
}

function maskedColumns(outcome: unknown): readonly unknown[] {
  return list(outcome, 'unmapped', 'masking', 'columns')
}

/** What happened to a request for approval, a line for each of its records. */
export function requestLines(request: readonly RecordView[], names: Names): readonly string[] {
  return request.map((record) => {
    const { leaf } = record
    const activity = text(leaf, 'unmapped', 'activity')
    const comment = text(leaf, 'comment')
    const by = chainText(record, names)
    const happened = REQUEST_WORDS[activity] ?? (activity === '' ? 'ran' : activity)
    const failed = text(leaf, 'status_id') === '2' && activity !== '' ? ` (refused: ${text(leaf, 'status_code')})` : ''
    return `${happened.padEnd(8)}  ${timeText(record)}  ${record.ref}${by === '' ? '' : `  ${by}`}${failed}${comment === '' ? '' : `: ${comment}`}`
  })
}

const REQUEST_WORDS: Readonly<Record<string, string>> = {
  'request-open': 'asked',
  'request-approve': 'approved',
  'request-deny': 'denied',
  'request-expire': 'expired',
  'request-withdraw': 'withdrawn',
}

/** A member deep in a leaf as one line of text; empty when it is not there. */
export function text(leaf: unknown, ...path: readonly string[]): string {
  const value = path.reduce(member, leaf)
  return typeof value === 'string' || typeof value === 'number' ? oneLine(String(value)) : ''
}

/** A list deep in a leaf; empty when it is not there. */
export function list(leaf: unknown, ...path: readonly string[]): readonly unknown[] {
  const value = path.reduce(member, leaf)
  return Array.isArray(value) ? value : []
}

function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined
}
