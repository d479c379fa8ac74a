import type { Transcript, TranscriptEntry } from '#api'
import { utc } from './output.ts'
import { payloadLines } from './payload-text.ts'
import {
  chainText,
  decisionText,
  list,
  maskingLines,
  type Names,
  requestLines,
  resultText,
  text,
  timeText,
  whatText,
} from './record-text.ts'

/** The head of a transcript: who, through what, where. */
export function transcriptHead({ session, entries, names }: Transcript): string {
  const [first] = entries
  if (first === undefined) return `session ${session}`
  const { leaf } = first
  const from = text(leaf, 'src_endpoint', 'ip')
  return [
    `session ${session}  ${chainText(first, names)} → ${text(leaf, 'dst_endpoint', 'svc_name')}`,
    `  since ${utc(Number(text(leaf, 'actor', 'session', 'created_time')))}${from === '' ? '' : ` from ${from}`}, token ${text(leaf, 'actor', 'session', 'credential_uid')}`,
  ].join('\n')
}

/** The entries of a page. */
export function transcriptBody({ entries, names }: Transcript): string {
  return entries.map((entry) => entryLines(entry, names).join('\n')).join('\n')
}

/** What the proofs lead to, and how to check them. */
export function transcriptFoot({ head, payloads, ref }: Transcript): string {
  return [
    '',
    `proof  every record above that has a proof is in the signed checkpoint of ${head.origin}:`,
    `       ${head.size} records, root ${head.root}`,
    "       check it without us, on a copy of the trail's folder:  sallyport-verify FOLDER",
    ...(payloads === 'opened'
      ? []
      : ['       statements and arguments are not shown: policy does not let you open payloads']),
    `       this reading is record ${ref}`,
  ].join('\n')
}

function entryLines(entry: TranscriptEntry, names: Names): readonly string[] {
  const isOperation = text(entry.leaf, 'unmapped', 'phase') === 'intent'
  const head = `${timeText(entry)}  ${entry.ref}  ${decisionText(entry).padEnd(5)}  ${whatText(entry)}`
  if (!isOperation) return [[head, text(entry.leaf, 'comment')].filter((part) => part !== '').join('  ')]
  return [
    head,
    ...operationLines(entry, names),
    ...(entry.caused ?? []).flatMap((caused) => causedLines(caused, names)),
    ...(entry.moreCaused === true ? [`      └ more: sallyport why ${entry.ref}`] : []),
  ]
}

/** What the MCP server sent because of the call above. */
function causedLines(entry: TranscriptEntry, names: Names): readonly string[] {
  const calls = list(entry.leaf, 'unmapped', 'caused_by', 'records').length
  const certainty = calls > 1 ? `  (one of ${calls} calls)` : ''
  const place = text(entry.leaf, 'dst_endpoint', 'svc_name')
  const head = `${timeText(entry)}  ${entry.ref}  ${decisionText(entry).padEnd(5)}  ${place}: ${whatText(entry)}${certainty}`
  return [`      └ ${head}`, ...operationLines(entry, names).map((line) => `        ${line}`)]
}

function operationLines(entry: TranscriptEntry, names: Names): readonly string[] {
  const { leaf, payload } = entry
  const policies = list(leaf, 'unmapped', 'decision', 'policies').join(', ')
  const hash = text(leaf, 'unmapped', 'decision', 'policy_hash').slice(0, 12)
  const why = text(leaf, 'unmapped', 'decision', 'reason') || text(leaf, 'unmapped', 'incomplete')
  return [
    ...under('payload', payload === undefined ? [] : payloadLines(payload)),
    ...under('policy', [`${policies === '' ? 'none matched' : policies} (${hash})${why === '' ? '' : `: ${why}`}`]),
    ...under('needs', some(text(leaf, 'unmapped', 'decision', 'need'))),
    ...under('approval', requestLines(entry.request ?? [], names)),
    ...under('result', some(resultText(entry))),
    ...under('masked', maskingLines(entry)),
    ...under('proof', [proofText(entry)]),
  ]
}

function proofText({ sequence, outcome, proof, outcomeProof }: TranscriptEntry): string {
  const end = text(outcome, 'metadata', 'sequence')
  const covered = proof !== undefined && (end === '' || outcomeProof !== undefined)
  const numbers = end === '' ? `record ${sequence}` : `records ${sequence} and ${end}`
  return covered ? `${numbers}, leaf ${proof.leafHash.slice(0, 16)}…` : `${numbers}, not yet in a signed checkpoint`
}

function some(value: string): readonly string[] {
  return value === '' ? [] : [value]
}

function under(label: string, lines: readonly string[]): readonly string[] {
  return lines.map((line, at) => `      ${(at === 0 ? label : '').padEnd(8)}  ${line}`)
}
