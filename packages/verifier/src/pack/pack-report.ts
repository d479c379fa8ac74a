import { count, EXIT_CODES, findingLines, keyLines, line, number, resultLine } from '../report.ts'
import { describeKey } from '../trail-head.ts'
import { fingerprintOf } from '../verifier-key.ts'
import type { PackVerification } from './pack-verification.ts'

/** Puts the check of a pack into lines for a reader. */
export function formatPackReport(verification: PackVerification): string {
  const { finding, verdict } = verification
  const lines = [
    ...periodLines(verification),
    ...keyLines(verification),
    ...(finding === undefined ? intactLines(verification) : []),
    ...findingLines(verification),
    resultLine({ verdict, gapCount: counted(verification, 'gaps declared') }),
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
  const { manifest, counts, known, statement } = verification
  const disclosed = manifest?.disclosed === 'statements'
  const violations = (statement?.checks ?? []).filter((check) => check.count > 0)
  const lines = [
    line('✓', count(counts.files, 'file'), 'each as the signed manifest has it; none missing, none besides'),
    line('✓', count(counts.tiles, 'tile'), 'lead from the records to the signed root'),
    line(
      '✓',
      count(counts.records, 'record'),
      'none missing between the first and the last; those beside them are of another time',
    ),
    ...(disclosed ? [line('✓', count(counts.payloads, 'payload'), 'disclosed, each as its record commits to it')] : []),
    line(
      '✓',
      count(counts.tables, 'table'),
      `${count(counts.rows, 'row')} as the records give them; entitlements as they were signed`,
    ),
    ...(manifest?.policy === undefined
      ? []
      : [line('✓', 'policy', `is the one that record ${number(manifest.policy.activationRecord)} put in force`)]),
    ...heartbeatLine(verification),
    ...['gaps declared', 'cuts declared', 'clock went back'].flatMap((what) => {
      const value = counted(verification, what)
      return value === 0 ? [] : [line('!', what, `${number(value)}; see artifacts/4-trail-records.csv`)]
    }),
    violations.length === 0
      ? line('✓', 'approvals', 'nothing ran although policy asked for one and without a good one')
      : line('!', 'approvals', violations.map(({ check, count: times }) => `${number(times)} ${check}`).join('; ')),
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
    completeness: statement?.completeness.map(({ what, value }) => ({ what, value })) ?? [],
    approvalChecks: statement?.checks ?? [],
  }
  return `${JSON.stringify(report, undefined, 2)}\n`
}
