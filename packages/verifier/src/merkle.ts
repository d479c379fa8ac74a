import { isSameBytes, toBuffer } from './bytes.ts'
import { VerifierError } from './errors.ts'
import { HASH_BYTES, sha256, sha256Into, sha256Of } from './sha256.ts'

// RFC 6962 §2.1: "MTH({d(0)}) = SHA-256(0x00 || d(0))" and "MTH(D[n]) = SHA-256(0x01 || MTH(D[0:k]) || MTH(D[k:n]))".
const LEAF_PREFIX = Buffer.of(0x00)
const NODE_PREFIX = 0x01

/** An entry of a log is at most this long: the entry bundle gives its length two bytes. */
export const MAX_ENTRY_BYTES = 65_535

// Nothing here runs across an await, so one scratch each for leaf and node is enough, and no digest allocates its
// input.
const leafScratch = Buffer.alloc(1 + MAX_ENTRY_BYTES)
const nodeScratch = Buffer.alloc(1 + 2 * HASH_BYTES, NODE_PREFIX)

/** RFC 6962 §2.1: "The hash of an empty list is the hash of an empty string". */
export function emptyRoot(): Uint8Array {
  return sha256(new Uint8Array(0))
}

/** The hash of one entry. */
export function hashLeaf(entry: Uint8Array): Uint8Array {
  const hash = Buffer.allocUnsafe(HASH_BYTES)
  hashLeafInto(entry, hash, 0)
  return hash
}

/** Writes the hash of one entry into a tile. */
export function hashLeafInto(entry: Uint8Array, target: Uint8Array, offset: number): void {
  const into = toBuffer(target)
  if (entry.length > MAX_ENTRY_BYTES) {
    sha256Of(LEAF_PREFIX, entry).copy(into, offset)
    return
  }
  leafScratch.set(entry, 1)
  sha256Into(leafScratch.subarray(0, 1 + entry.length), into, offset)
}

/** The hash over two subtrees. */
export function hashNode(left: Uint8Array, right: Uint8Array): Uint8Array {
  nodeScratch.set(left, 1)
  nodeScratch.set(right, 1 + HASH_BYTES)
  return sha256(nodeScratch)
}

/** The root of a perfect subtree whose hashes lie in a row; their number is a power of two. */
export function rootOfRow(hashes: Uint8Array): Uint8Array {
  const row = Buffer.from(hashes)
  for (let width = row.length / HASH_BYTES; width > 1; width /= 2) {
    for (let at = 0; at < width / 2; at += 1) {
      row.copy(nodeScratch, 1, at * 2 * HASH_BYTES, (at * 2 + 2) * HASH_BYTES)
      sha256Into(nodeScratch, row, at * HASH_BYTES)
    }
  }
  return row.subarray(0, HASH_BYTES)
}

/** The root of a tree from the hashes of its leaves. */
export function rootOfLeaves(leafHashes: readonly Uint8Array[]): Uint8Array {
  const [first] = leafHashes
  if (first === undefined) return emptyRoot()
  if (leafHashes.length === 1) return first
  const split = splitPoint(leafHashes.length)
  return hashNode(rootOfLeaves(leafHashes.slice(0, split)), rootOfLeaves(leafHashes.slice(split)))
}

/** RFC 6962 §2.1: "let k be the largest power of two smaller than n (i.e., k < n <= 2k)". */
function splitPoint(size: number): number {
  let split = 1
  while (split * 2 < size) split *= 2
  return split
}

/** Leaves `start` to `end` (exclusive), whose root is one line of a proof. */
export interface LeafRange {
  readonly start: number
  readonly end: number
}

/**
 * The ranges whose roots prove that leaf `index` is in the tree of `size`, from the leaf's sibling upward.
 *
 * @throws {VerifierError} `SP_OUT_OF_RANGE`
 * @see RFC 9162 §2.1.3.1, PATH
 */
export function inclusionRanges(index: number, size: number): readonly LeafRange[] {
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(index) || index < 0 || index >= size) {
    throw new VerifierError('SP_OUT_OF_RANGE', `a tree of ${size} has no leaf ${index}`)
  }
  const ranges: LeafRange[] = []
  let start = 0
  let end = size
  while (end - start > 1) {
    const middle = start + splitPoint(end - start)
    if (index < middle) {
      ranges.push({ start: middle, end })
      end = middle
    } else {
      ranges.push({ start, end: middle })
      start = middle
    }
  }
  return ranges.reverse()
}

/**
 * The ranges whose roots prove that the tree of `size` begins with the tree of `first`.
 *
 * @throws {VerifierError} `SP_OUT_OF_RANGE`
 * @see RFC 9162 §2.1.4.1, PROOF and SUBPROOF
 */
export function consistencyRanges(first: number, size: number): readonly LeafRange[] {
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(size) || first < 0 || first > size) {
    throw new VerifierError('SP_OUT_OF_RANGE', `no consistency from a tree of ${first} to one of ${size}`)
  }
  if (first === 0 || first === size) return []
  const ranges: LeafRange[] = []
  let start = 0
  let end = size
  while (first !== end) {
    const middle = start + splitPoint(end - start)
    if (first <= middle) {
      ranges.push({ start: middle, end })
      end = middle
    } else {
      ranges.push({ start, end: middle })
      start = middle
    }
  }
  // "SUBPROOF(m, D_m, true) = {}": the verifier has the old root; below a left subtree it needs the last range itself.
  if (start > 0) ranges.push({ start, end })
  return ranges.reverse()
}

/** An inclusion proof from the hashes of all leaves. @throws {VerifierError} `SP_OUT_OF_RANGE` */
export function inclusionProof(index: number, leafHashes: readonly Uint8Array[]): readonly Uint8Array[] {
  return inclusionRanges(index, leafHashes.length).map(({ start, end }) => rootOfLeaves(leafHashes.slice(start, end)))
}

/** A consistency proof from the hashes of all leaves. @throws {VerifierError} `SP_OUT_OF_RANGE` */
export function consistencyProof(first: number, leafHashes: readonly Uint8Array[]): readonly Uint8Array[] {
  return consistencyRanges(first, leafHashes.length).map(({ start, end }) => rootOfLeaves(leafHashes.slice(start, end)))
}

/** What an inclusion proof claims. */
export interface InclusionClaim {
  readonly index: number
  readonly size: number
  readonly leafHash: Uint8Array
  readonly root: Uint8Array
}

/**
 * Tells whether a proof shows that the leaf is in the tree. A malformed proof shows nothing; it does not throw.
 *
 * @see RFC 9162 §2.1.3.2
 */
export function isIncluded(claim: InclusionClaim, proof: readonly Uint8Array[]): boolean {
  const { index, size, leafHash, root } = claim
  if (!isPosition(index) || !isPosition(size) || index >= size || !areHashes([leafHash, root, ...proof])) return false
  // "Set two variables, fn to leaf_index and sn to tree_size - 1." Halving instead of shifting: sizes go beyond 32
  // bits.
  let fn = index
  let sn = size - 1
  let hash = leafHash
  for (const step of proof) {
    if (sn === 0) return false
    if (isOdd(fn) || fn === sn) {
      hash = hashNode(step, hash)
      while (!isOdd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)]
    } else {
      hash = hashNode(hash, step)
    }
    fn = half(fn)
    sn = half(sn)
  }
  return sn === 0 && isSameBytes(hash, root)
}

/** What a consistency proof claims. */
export interface ConsistencyClaim {
  readonly firstSize: number
  readonly firstRoot: Uint8Array
  readonly secondSize: number
  readonly secondRoot: Uint8Array
}

/**
 * Tells whether a proof shows that the second tree begins with the first. A malformed proof shows nothing; it does not
 * throw.
 *
 * @see RFC 9162 §2.1.4.2
 */
export function isConsistent(claim: ConsistencyClaim, proof: readonly Uint8Array[]): boolean {
  const { firstSize, firstRoot, secondSize, secondRoot } = claim
  if (!isPosition(firstSize) || !isPosition(secondSize) || firstSize > secondSize) return false
  if (!areHashes([firstRoot, secondRoot, ...proof])) return false
  if (firstSize === secondSize) return proof.length === 0 && isSameBytes(firstRoot, secondRoot)
  // Every tree begins with the empty one; RFC 9162 defines the proof for 0 < first < second only.
  if (firstSize === 0) return proof.length === 0 && isSameBytes(firstRoot, emptyRoot())
  return isExtension(claim, proof)
}

function isExtension(
  { firstSize, firstRoot, secondSize, secondRoot }: ConsistencyClaim,
  proof: readonly Uint8Array[],
): boolean {
  // "If consistency_path is an empty array, stop and fail the proof verification."
  if (proof.length === 0) return false
  // "If first is an exact power of 2, then prepend first_hash to the consistency_path array."
  const path = splitPoint(firstSize + 1) === firstSize ? [firstRoot, ...proof] : proof
  let fn = firstSize - 1
  let sn = secondSize - 1
  while (isOdd(fn)) [fn, sn] = [half(fn), half(sn)]
  let [fr, ...rest] = path as [Uint8Array, ...Uint8Array[]]
  let sr = fr
  for (const step of rest) {
    if (sn === 0) return false
    if (isOdd(fn) || fn === sn) {
      fr = hashNode(step, fr)
      sr = hashNode(step, sr)
      while (!isOdd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)]
    } else {
      sr = hashNode(sr, step)
    }
    fn = half(fn)
    sn = half(sn)
  }
  return sn === 0 && isSameBytes(fr, firstRoot) && isSameBytes(sr, secondRoot)
}

function isPosition(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function areHashes(hashes: readonly Uint8Array[]): boolean {
  return hashes.every((hash) => hash.length === HASH_BYTES)
}

function isOdd(value: number): boolean {
  return value % 2 === 1
}

function half(value: number): number {
  return Math.floor(value / 2)
}
