import { describeKey } from './trail-head.ts'
import type { ClockSteps, DeclaredGap, Verdict, Verification } from './verification.ts'
import { fingerprintOf } from './verifier-key.ts'

/** What the process says to a script: 0 intact, 2 altered, 3 incomplete, 4 cannot decide. */
export const EXIT_CODES: Readonly<Record<Verdict, number>> = { intact: 0, altered: 2, incomplete: 3, undecided: 4 }

/** How many gaps are listed for a reader. */
const LISTED_GAPS = 20

/** The mark before a line: shown, worth knowing, continued. */
export type Mark = '✓' | '!' | ' '

/** Puts a verification into lines for a reader. */
export function formatReport(verification: Verification): string {
  const { finding } = verification
  const lines = [
    ...keyLines(verification),
    ...(finding === undefined ? intactLines(verification) : []),
    ...findingLines(verification),
    resultLine(verification),
  ]
  return `${lines.join('\n')}\n`
}

export function line(mark: Mark, label: string, text: string): string {
  return visible(`${mark} ${label.padEnd(22)} ${text}`.trimEnd())
}

/**
 * What is not seen as what it is: characters that move the cursor, turn the direction of writing (UAX #9), hide or have no glyph (Unicode's C), take up
 * space without being U+0020 (Z), or are to be ignored in display.
 */
const UNSEEN = /\p{C}|[^\P{Z} ]|[\p{Default_Ignorable_Code_Point}\u2800]/gu

/** Names in a pack were written by others: none of them makes a line of its own or reaches the terminal as a command. */
function visible(text: string): string {
  return text.replaceAll(/<(?=U\+)/g, numberOf).replaceAll(UNSEEN, numberOf)
}

/**
 * JSON of the same value in which nothing is written that is not seen: outside of its texts it has such a character only
 * where a line ends.
 */
export function seenJson(json: string): string {
  return json.replaceAll(UNSEEN, (character) => (character === '\n' ? character : escaped(character)))
}

/** As JSON writes it, in UTF-16 (RFC 8259 §7). */
function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, at) => character.charCodeAt(at))
    .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
    .join('')
}

/** `<U+202E>`, as `sallyport` shows it too. */
function numberOf(character: string): string {
  return `<U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}>`
}

export function keyLines({
  checkpoint,
  key,
  keyOrigin,
}: Pick<Verification, 'checkpoint' | 'key' | 'keyOrigin'>): readonly string[] {
  if (checkpoint === undefined || key === undefined) return []
  const lines = [
    line(
      '✓',
      'checkpoint signature',
      `${checkpoint.origin}, ${count(checkpoint.size, 'record')}, key ${describeKey(key)} (ed25519)`,
    ),
    line(' ', '', `fingerprint ${fingerprintOf(key)}`),
  ]
  if (keyOrigin === 'folder') {
    lines.push(
      line(
        '!',
        'key not checked',
        'key taken from the folder itself; compare fingerprint with one that reached you another way',
      ),
    )
  }
  return lines
}

function intactLines(verification: Verification): readonly string[] {
  const { checkpoint, counts, known, gaps, gapCount, clockSteps } = verification
  const size = checkpoint?.size ?? 0
  const range =
    size === 0 ? 'the log is empty' : `none missing between 0 and ${number(size - 1)}, each with its own number`
  const lines = [
    line('✓', count(counts.records, 'record'), range),
    line('✓', count(counts.tiles, 'tile file'), 'as the records give them, up to the signed root'),
    line(
      '✓',
      count(counts.outcomes, 'outcome'),
      `each to an earlier intent, each once; ${count(counts.openIntents, 'intent')} without one`,
    ),
    line('✓', count(counts.payloads, 'payload'), 'as their records commit to them'),
  ]
  for (const gap of gaps.slice(0, LISTED_GAPS)) lines.push(line('!', 'gap declared', describeGap(gap)))
  if (gapCount > LISTED_GAPS) lines.push(line('!', 'gaps declared', `${number(gapCount - LISTED_GAPS)} more`))
  if (clockSteps !== undefined) lines.push(line('!', 'clock went back', describeClock(clockSteps)))
  if (known === undefined) {
    lines.push(
      line(
        '!',
        'newest not shown',
        'nothing shows that this is the newest state: give a checkpoint that you hold with --known-checkpoint',
      ),
    )
  } else {
    lines.push(line('✓', 'checkpoint consistent', `with the one that you hold, of ${count(known.size, 'record')}`))
  }
  return lines
}

function describeGap({ record, fromMs, untilMs, cuts }: DeclaredGap): string {
  const cut = cuts.map(
    ({ segment, offset, firstIndex }) =>
      `segment ${segment} cut at byte ${offset}, nothing acknowledged from ${firstIndex} on`,
  )
  return [`record ${number(record)}, ${time(fromMs)} to ${time(untilMs)}`, ...cut].join('; ')
}

function describeClock({ count: times, firstRecord, largestMs }: ClockSteps): string {
  return `${count(times, 'time')}, first at record ${number(firstRecord)}, by at most ${(largestMs / 1000).toFixed(1)} s`
}

export function findingLines({ finding }: Pick<Verification, 'finding'>): readonly string[] {
  if (finding === undefined) return []
  const { message, file, intactBefore } = finding
  const where = file === undefined || message.includes(file) ? '' : `: file ${file}`
  const before =
    intactBefore === undefined || intactBefore === 0
      ? ''
      : ` Everything before record ${number(intactBefore)} is intact.`
  return [visible(`✗ ${message}${where}.${before}`)]
}

export function resultLine(verification: Pick<Verification, 'verdict' | 'gapCount' | 'key' | 'keyOrigin'>): string {
  const { verdict, gapCount } = verification
  switch (verdict) {
    case 'intact':
      return `RESULT: intact${gapCount === 0 ? '' : `, ${count(gapCount, 'declared gap')}`}${byWhom(verification)}.`
    case 'altered':
      return 'RESULT: altered.'
    case 'incomplete':
      return 'RESULT: incomplete.'
    case 'undecided':
      return 'RESULT: cannot decide.'
  }
}

/** Whoever forges a folder forges its key too: a result that rests on that key says whose it is, for those who read nothing else. */
function byWhom({ key, keyOrigin }: Pick<Verification, 'key' | 'keyOrigin'>): string {
  return key === undefined || keyOrigin !== 'folder' ? '' : `, by whoever holds key ${fingerprintOf(key)}`
}

export function count(value: number, noun: string): string {
  return `${number(value)} ${noun}${value === 1 ? '' : 's'}`
}

export function number(value: number): string {
  return value.toLocaleString('en-US')
}

function time(timeMs: number | undefined): string {
  // The range of Date is narrower than that of a JSON number.
  if (timeMs === undefined || timeMs > 8.64e15) return 'an unknown time'
  return new Date(timeMs).toISOString().replace('T', ' ')
}

/** The same for a program; the form is stable. */
export function formatJsonReport(verification: Verification): string {
  const { verdict, finding, checkpoint, key, keyOrigin, known, counts, gaps, gapCount, clockSteps } = verification
  const report = {
    apiVersion: 'sallyport/v1',
    kind: 'TrailVerification',
    verdict,
    exitCode: EXIT_CODES[verdict],
    finding: finding ?? null,
    checkpoint:
      checkpoint === undefined
        ? null
        : { origin: checkpoint.origin, size: checkpoint.size, root: Buffer.from(checkpoint.root).toString('base64') },
    key:
      key === undefined ? null : { name: describeKey(key), fingerprint: fingerprintOf(key), from: keyOrigin ?? null },
    knownCheckpoint: known ?? null,
    counts,
    gaps: gaps.map(({ record, fromMs, untilMs, cuts }) => ({
      record,
      fromMs: fromMs ?? null,
      untilMs: untilMs ?? null,
      cuts,
    })),
    gapCount,
    clockSteps: clockSteps ?? null,
  }
  return `${seenJson(JSON.stringify(report, undefined, 2))}\n`
}
