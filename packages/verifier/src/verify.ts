import { isSameBytes } from './bytes.ts'
import type { Checkpoint } from './checkpoint.ts'
import { VerifierError } from './errors.ts'
import { findChange } from './find-change.ts'
import type { TrailSource } from './source.ts'
import { openHead, type Trust, type TrailHead } from './trail-head.ts'
import { TrailReader } from './trail-reader.ts'
import type { Finding, KnownCheckpointCheck, Verification } from './verification.ts'
import { Walk } from './walk.ts'

/**
 * Checks a trail against its signed checkpoint, and against what the caller holds, and names the first thing that is
 * wrong.
 *
 * In order: key and signature; no rollback or fork against the known checkpoint; every record there, hashing to its
 * tile, every tile to the next, the last to the signed root; each record canonical, with the number of its place; each
 * outcome to an earlier intent, once; each payload as committed. It shows that nothing changed since signing. It does
 * not show that a record was true, nor that nothing was left out.
 */
export async function verifyTrail(source: TrailSource, trust: Trust = {}): Promise<Verification> {
  let head: Partial<TrailHead> = {}
  let walk: Walk | undefined
  try {
    const result = await openHead(source, trust)
    if (result.kind === 'stop') return toVerification(result, undefined, result.finding)
    head = result.head
    const { checkpoint, known } = result.head
    const reader = new TrailReader(source, checkpoint.size)
    walk = new Walk(reader, checkpoint.origin, known?.size)
    await walk.run()
    return toVerification(head, walk, await judge(reader, result.head, walk))
  } catch (cause) {
    if (!(cause instanceof VerifierError)) throw cause
    const verdict = cause.code === 'SP_FILE_TOO_LARGE' ? 'altered' : 'undecided'
    return toVerification(head, walk, { code: 'file-unreadable', verdict, message: cause.message })
  }
}

/** Which of the things that are wrong is the first. */
async function judge(reader: TrailReader, { checkpoint, known }: TrailHead, walk: Walk): Promise<Finding | undefined> {
  if (walk.root !== undefined && isSameBytes(walk.root, checkpoint.root)) {
    return forkOf(known, walk) ?? walk.recordFinding ?? walk.tileFinding
  }
  const change = await findChange(reader, checkpoint.root)
  const own = earliest(walk.recordFinding, walk.stop)
  // A run of records names the place less exactly than a record of it that shows by itself what happened.
  if (change?.lastRecord !== undefined && own?.record !== undefined && own.record <= change.lastRecord) return own
  return earliest(change, own) ?? rootChanged(checkpoint, known, walk)
}

function earliest(a: Finding | undefined, b: Finding | undefined): Finding | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return (b.record ?? 0) < (a.record ?? 0) ? b : a
}

function forkOf(known: Checkpoint | undefined, walk: Walk): Finding | undefined {
  if (known === undefined || isKnownPrefix(known, walk)) return undefined
  const message = `forked: the first ${known.size} records are not those of the checkpoint that you hold, though both are signed`
  return { code: 'forked', verdict: 'altered', message, record: 0 }
}

function isKnownPrefix(known: Checkpoint, walk: Walk): boolean {
  return walk.knownRoot !== undefined && isSameBytes(walk.knownRoot, known.root)
}

/** Records and tiles were changed together: only another checkpoint can narrow it. */
function rootChanged({ size }: Checkpoint, known: Checkpoint | undefined, walk: Walk): Finding {
  let first = 0
  let last = size - 1
  if (known !== undefined && isKnownPrefix(known, walk)) first = known.size
  else if (known !== undefined && walk.knownRoot !== undefined) last = known.size - 1
  const message = `the records give another root than the signed one: at least one of the records ${first} to ${last} changed, and the tiles with it`
  const finding: Finding = { code: 'root-changed', verdict: 'altered', message, record: first, lastRecord: last }
  return first === 0 ? finding : { ...finding, intactBefore: first }
}

function toVerification(head: Partial<TrailHead>, walk: Walk | undefined, finding: Finding | undefined): Verification {
  return {
    verdict: finding?.verdict ?? 'intact',
    finding,
    checkpoint: head.checkpoint,
    key: head.key,
    keyOrigin: head.keyOrigin,
    known: knownCheck(head.known, walk),
    counts: {
      records: walk?.size ?? 0,
      tiles: walk?.tiles ?? 0,
      payloads: walk?.payloads ?? 0,
      outcomes: walk?.records.outcomes ?? 0,
      openIntents: walk?.records.openIntents ?? 0,
    },
    gaps: walk?.records.gaps ?? [],
    gapCount: walk?.records.gapCount ?? 0,
    clockSteps: walk?.records.clockSteps,
  }
}

function knownCheck(known: Checkpoint | undefined, walk: Walk | undefined): KnownCheckpointCheck | undefined {
  return known === undefined
    ? undefined
    : { size: known.size, isConsistent: walk !== undefined && isKnownPrefix(known, walk) }
}
