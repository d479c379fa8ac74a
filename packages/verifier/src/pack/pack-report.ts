import { count, EXIT_CODES, findingLines, keyLines, line, number, resultLine, seenJson } from '../report.ts'
import { describeKey } from '../trail-head.ts'
import { fingerprintOf } from '../verifier-key.ts'
import type { PackVerification } from './pack-verification.ts'
import { unknownFiles } from './unknown-files.ts'

/** Puts the check of a pack into lines for a reader. */
export function formatPackReport(verification: PackVerification): string {
  const { finding } = verification
  const lines = [
    ...periodLines(verification),
    ...keyLines(verification),
    ...(finding === undefined ? intactLines(verification) : []),
    ...findingLines(verification),
    resultLine({ ...verification, gapCount: counted(verification, 'gaps declared') }),
  ]
  return `${lines.join('\n')}\n`
}

function periodLines({ manifest }: PackVerification): readonly string[] {
  if (manifest === undefined) return []
  const { period, records, origin, builtAtMs } = manifest
  const range = `records ${number(records.first)} to ${number(records.last)} of ${origin}, ${time(period.fromMs)} to ${time(period.toMs)}`
  return [line(' ', 'evidence pack', range), line(' ', '', `made ${time(builtAtMs)}`)]
}

function intactLines(verification: PackVerification): readonly string[] {
  const { manifest, counts, known } = verification
  const disclosed = manifest?.disclosed === 'statements'
  const lines = [
    line('✓', count(counts.files, 'file'), 'each as the signed manifest has it; none missing, none besides'),
    line('✓', count(counts.tiles, 'tile'), 'lead from the records to the signed root'),
    line('✓', count(counts.records, 'record'), 'none missing between the first and the last'),
    ...edgeLines(verification),
    ...(disclosed ? [line('✓', count(counts.payloads, 'payload'), 'disclosed, each as its record commits to it')] : []),
    line(
      '✓',
      count(counts.tables, 'table'),
      `${count(counts.rows, 'row')} as the records give them; entitlements as they were signed`,
    ),
    ...unknownLine(verification),
    ...(manifest?.policy === undefined
      ? []
      : [line('✓', 'policy', `is the one that record ${number(manifest.policy.activationRecord)} put in force`)]),
    ...heartbeatLine(verification),
    ...['crashes', 'gaps declared', 'cuts declared', 'clock went back'].flatMap((what) => {
      const value = counted(verification, what)
      return value === 0 ? [] : [line('!', what, `${number(value)}; see artifacts/4-completeness.csv`)]
    }),
    ...approvalLines(verification),
  ]
  if (known === undefined) {
    lines.push(
      line(
        '!',
        'newest not shown',
        'nothing shows that this is the newest state: give a checkpoint that you hold with --known-checkpoint',
      ),
    )
  } else if (known.kind === 'consistent') {
    lines.push(line('✓', 'checkpoint consistent', `with the one that you hold, of ${count(known.size, 'record')}`))
  } else {
    lines.push(
      line(
        '!',
        'not compared',
        `with the checkpoint that you hold, of ${count(known.size, 'record')}: the pack has not the hashes of that place`,
      ),
    )
  }
  return lines
}

/** How many files of no known kind are named. */
const NAMED_FILES = 3

function unknownLine({ manifest }: PackVerification): readonly string[] {
  const files = manifest === undefined ? [] : unknownFiles(manifest)
  if (files.length === 0) return []
  const named = [...files.slice(0, NAMED_FILES), ...(files.length > NAMED_FILES ? ['…'] : [])].join(', ')
  const what = files.length === 1 ? 'that is no part of a pack' : 'that are no part of a pack'
  return [
    line('!', 'not checked', `${count(files.length, 'file')} ${what}: ${named} (as signed; nobody looked into it)`),
  ]
}

/** How whole the period is: a neighbour of another time shows it, and where there is none nothing does. */
function edgeLines({ manifest, checkpoint }: PackVerification): readonly string[] {
  if (manifest === undefined || checkpoint === undefined) return []
  const { records, period, builtAtMs } = manifest
  return [
    records.first === 0
      ? line(' ', '', 'the first is the first of the log: the log begins within the period')
      : line(' ', '', `record ${number(records.first - 1)}, before the first, is of another time`),
    records.last < checkpoint.size - 1
      ? line(' ', '', `record ${number(records.last + 1)}, behind the last, is of another time`)
      : builtAtMs < period.toMs
        ? line('!', 'period not over', `made ${time(builtAtMs)}, before it ended: nothing is said of the time after`)
        : line(
            '!',
            'end of the log',
            'the last is the newest of the head: nothing shows that none followed it in the period',
          ),
  ]
}

/** Each check is what its line says and no more; what it found is said in its own words. */
function approvalLines({ statement }: PackVerification): readonly string[] {
  const checks = statement?.checks ?? []
  const found = checks.filter(({ count: times }) => times > 0)
  const saying = (kind: 'must be 0' | 'not checked'): string =>
    found
      .filter((check) => check.kind === kind)
      .map(({ check, count: times }) => `${number(times)} ${check}`)
      .join('; ')
  const [broken, unchecked] = [saying('must be 0'), saying('not checked')]
  const looked = checks.filter(({ kind }) => kind === 'must be 0').length
  return [
    broken === ''
      ? line('✓', 'approvals', `${count(looked, 'check')} (artifacts/3-approval-checks.csv), each 0`)
      : line('!', 'approvals', broken),
    ...(unchecked === '' ? [] : [line('!', 'not checked', unchecked)]),
  ]
}

function heartbeatLine(verification: PackVerification): readonly string[] {
  const [seen, expected] = [counted(verification, 'heartbeats seen'), counted(verification, 'heartbeats expected')]
  return [line(seen < expected ? '!' : '✓', 'heartbeats', `${number(seen)} seen, ${number(expected)} expected`)]
}

function counted({ statement }: PackVerification, what: string): number {
  const value = statement?.completeness.find((entry) => entry.what === what)?.value
  return typeof value === 'number' ? value : 0
}

function time(ms: number): string {
  return ms > 8.64e15 ? 'an unknown time' : new Date(ms).toISOString().replace('T', ' ')
}

/** The same for a program; the form is stable. */
export function formatJsonPackReport(verification: PackVerification): string {
  const { verdict, finding, manifest, checkpoint, key, keyOrigin, known, counts, statement } = verification
  const report = {
    apiVersion: 'sallyport/v1',
    kind: 'PackVerification',
    verdict,
    exitCode: EXIT_CODES[verdict],
    finding: finding ?? null,
    period: manifest?.period ?? null,
    records: manifest?.records ?? null,
    checkpoint:
      checkpoint === undefined
        ? null
        : { origin: checkpoint.origin, size: checkpoint.size, root: Buffer.from(checkpoint.root).toString('base64') },
    key:
      key === undefined ? null : { name: describeKey(key), fingerprint: fingerprintOf(key), from: keyOrigin ?? null },
    knownCheckpoint: known ?? null,
    counts,
    unknownFiles: manifest === undefined || finding !== undefined ? [] : unknownFiles(manifest),
    completeness: statement?.completeness.map(({ what, value }) => ({ what, value })) ?? [],
    approvalChecks: statement?.checks ?? [],
  }
  return `${seenJson(JSON.stringify(report, undefined, 2))}\n`
}
