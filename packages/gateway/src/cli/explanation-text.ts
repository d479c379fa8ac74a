import type { RecordExplanation, RecordView } from '#api'
import { payloadLines } from './payload-text.ts'
import {
  chainText,
  list,
  logRow,
  type Names,
  personText,
  requestLines,
  resultText,
  text,
  wayText,
  whatText,
} from './record-text.ts'

/** What `why` answers, for people. */
export function explanationText(answer: RecordExplanation, payload: string | undefined): string {
  const { record, names } = answer
  const [time, ref, , resource, decision, what, result] = logRow(record, names)
  return [
    `${ref}  ${decision}  ${time}  ${chainText(record, names)} → ${resource}`,
    ...field('what', what),
    ...field('result', result),
    ...chainLines(record, names),
    ...around('caused by', causeNote(record), answer.causes, names),
    ...around('caused', '', answer.caused, names),
    ...approvalLines(answer),
    ...answer.explanation.map((line) => `  ${line}`),
    ...field('record', `${record.sequence} of ${text(record.leaf, 'metadata', 'log_name')}`),
    ...(payload === undefined ? [] : labelled('payload', payloadLines(payload))),
  ].join('\n')
}

function field(label: string, value: string | undefined): readonly string[] {
  return value === undefined || value === '' ? [] : labelled(label, value.split('\n'))
}

/** Lines under a label. */
function labelled(label: string, lines: readonly string[]): readonly string[] {
  return lines.map((line, at) => `  ${(at === 0 ? label : '').padEnd(9)} ${line}`)
}

/** Both hops, one a line, when there is more than a person. */
function chainLines(record: RecordView, names: Names): readonly string[] {
  const { leaf } = record
  const agent = text(leaf, 'actor', 'app_uid')
  const child = text(leaf, 'unmapped', 'via', 'child')
  if (agent === '' && child === '') return []
  return [
    ...field('person', `${personText(record, names)} (${text(leaf, 'actor', 'user', 'uid')})`),
    ...(agent === '' ? [] : field('agent', `${text(leaf, 'actor', 'app_name')} (${agent})`)),
    ...(child === '' ? [] : field('via', `${wayText(record)} (process ${child})`)),
  ]
}

function causeNote({ leaf }: RecordView): string {
  const kind = text(leaf, 'unmapped', 'caused_by', 'kind')
  if (kind === 'none') return 'no call was under way: the server asked this by itself'
  const count = list(leaf, 'unmapped', 'caused_by', 'records').length
  return kind === 'one-of' ? `one of ${count} calls that were under way:` : ''
}

function around(label: string, note: string, records: readonly RecordView[], names: Names): readonly string[] {
  const lines = records.map((record) => {
    const parts = [
      record.ref,
      chainText(record, names),
      text(record.leaf, 'dst_endpoint', 'svc_name'),
      whatText(record),
    ]
    return [...parts, resultText(record)].filter((part) => part !== '').join('  ')
  })
  return labelled(label, note === '' ? lines : [note, ...lines])
}

/** What a hold needs, and what became of the request. */
function approvalLines({ record, request, names }: RecordExplanation): readonly string[] {
  const { leaf } = record
  const ref = text(leaf, 'unmapped', 'approval', 'request')
  const found = text(record.outcome, 'unmapped', 'request')
  const approvers = list(leaf, 'unmapped', 'approval', 'approvers').map((id) => names[String(id)] ?? String(id))
  const lines = [
    ...(ref === '' ? [] : [`request ${ref}, approved by ${approvers.join(', ')}`]),
    ...(found === '' || found === record.ref ? [] : [`request ${found}, which was asked before`]),
    ...requestLines(request, names),
  ]
  return [...field('needs', text(leaf, 'unmapped', 'decision', 'need')), ...labelled('approval', lines)]
}
