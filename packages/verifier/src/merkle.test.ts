import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { CompactTree } from './compact-tree.ts'
import {
  consistencyProof,
  consistencyRanges,
  emptyRoot,
  hashLeaf,
  hashNode,
  inclusionProof,
  inclusionRanges,
  isConsistent,
  isIncluded,
  MAX_ENTRY_BYTES,
  rootOfLeaves,
  rootOfRow,
} from './merkle.ts'
import { sha256Of } from './sha256.ts'

interface Vectors {
  readonly leaves: readonly string[]
  readonly emptyRoot: string
  readonly roots: readonly string[]
  readonly inclusion: readonly { readonly index: number; readonly size: number; readonly proof: readonly string[] }[]
  readonly consistency: readonly {
    readonly first: number
    readonly second: number
    readonly proof: readonly string[]
  }[]
}

const vectors = JSON.parse(
  readFileSync(new URL('../../../testdata/tlog/rfc6962.json', import.meta.url), 'utf8'),
) as Vectors
const leafHashes = vectors.leaves.map((leaf) => hashLeaf(Buffer.from(leaf, 'hex')))
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const unhex = (text: string): Buffer => Buffer.from(text, 'hex')
const rootAt = (size: number): Buffer => unhex(vectors.roots[size - 1] ?? '')

test('roots are those of the shared vectors', () => {
  assert.equal(hex(emptyRoot()), vectors.emptyRoot)
  assert.equal(hex(rootOfLeaves([])), vectors.emptyRoot)
  const tree = new CompactTree()
  assert.equal(hex(tree.root()), vectors.emptyRoot)
  for (const [index, root] of vectors.roots.entries()) {
    tree.append(leafHashes[index] ?? Buffer.alloc(0))
    assert.equal(hex(rootOfLeaves(leafHashes.slice(0, index + 1))), root)
    assert.equal(hex(tree.root()), root)
  }
  assert.equal(hex(rootOfRow(Buffer.concat(leafHashes))), vectors.roots[7])
})

for (const { index, size, proof } of vectors.inclusion) {
  test(`inclusion of leaf ${index} in ${size} is that of the shared vectors`, () => {
    assert.deepEqual(inclusionProof(index, leafHashes.slice(0, size)).map(hex), proof)
    const claim = { index, size, leafHash: leafHashes[index] ?? Buffer.alloc(0), root: rootAt(size) }
    assert.equal(isIncluded(claim, proof.map(unhex)), true)
    for (const wrong of wrongProofs(proof.map(unhex), claim.root)) assert.equal(isIncluded(claim, wrong), false)
    for (const other of [index - 1, index + 1, index + 2]) {
      assert.equal(isIncluded({ ...claim, index: other }, proof.map(unhex)), false)
    }
    for (const otherSize of [size * 2, Math.floor(size / 2)]) {
      assert.equal(isIncluded({ ...claim, size: otherSize }, proof.map(unhex)), false)
    }
    assert.equal(isIncluded({ ...claim, root: emptyRoot() }, proof.map(unhex)), false)
    assert.equal(isIncluded({ ...claim, leafHash: emptyRoot() }, proof.map(unhex)), false)
    assert.equal(isIncluded({ ...claim, leafHash: Buffer.from('short') }, proof.map(unhex)), false)
  })
}

for (const { first, second, proof } of vectors.consistency) {
  test(`consistency from ${first} to ${second} is that of the shared vectors`, () => {
    assert.deepEqual(consistencyProof(first, leafHashes.slice(0, second)).map(hex), proof)
    const claim = { firstSize: first, firstRoot: rootAt(first), secondSize: second, secondRoot: rootAt(second) }
    assert.equal(isConsistent(claim, proof.map(unhex)), true)
    for (const wrong of wrongProofs(proof.map(unhex), claim.secondRoot)) assert.equal(isConsistent(claim, wrong), false)
    if (first === second) return
    assert.equal(isConsistent(claim, []), false)
    for (const firstSize of [first - 1, first + 1]) {
      assert.equal(isConsistent({ ...claim, firstSize }, proof.map(unhex)), false)
    }
    assert.equal(isConsistent({ ...claim, secondSize: second * 2 }, proof.map(unhex)), false)
    assert.equal(isConsistent({ ...claim, firstRoot: claim.secondRoot }, proof.map(unhex)), false)
    assert.equal(isConsistent({ ...claim, secondRoot: claim.firstRoot }, proof.map(unhex)), false)
  })
}

/** A proof with something added, taken away, or one bit turned, at each place. */
function wrongProofs(proof: readonly Buffer[], filler: Uint8Array): readonly (readonly Uint8Array[])[] {
  const turned = proof.map((_, at) =>
    proof.map((hash, index) => (index === at ? Buffer.from(hash.map((byte) => byte ^ 0x10)) : hash)),
  )
  const shorter = proof.length > 0 ? [proof.slice(1), proof.slice(0, -1)] : []
  return [...turned, ...shorter, [...proof, filler], [filler, ...proof], [...proof, Buffer.alloc(0)]]
}

test('an empty tree precedes every other, and nothing precedes itself by a proof', () => {
  const claim = { firstSize: 0, firstRoot: emptyRoot(), secondSize: 8, secondRoot: rootAt(8) }
  assert.equal(isConsistent(claim, []), true)
  assert.equal(isConsistent(claim, [rootAt(1)]), false)
  assert.equal(isConsistent({ ...claim, firstRoot: rootAt(1) }, []), false)
  const same = { firstSize: 8, firstRoot: rootAt(8), secondSize: 8, secondRoot: rootAt(8) }
  assert.equal(isConsistent(same, []), true)
  assert.equal(isConsistent(same, [rootAt(1)]), false)
  assert.equal(isConsistent({ ...same, firstSize: 9 }, []), false)
  assert.equal(isConsistent({ ...same, firstSize: Number.NaN }, []), false)
})

test('all proofs in all trees up to 70 leaves verify, and only at their own place', () => {
  const hashes = Array.from({ length: 70 }, (_, index) => hashLeaf(Buffer.from(`leaf ${index}`)))
  for (let size = 1; size <= hashes.length; size += 1) {
    const leaves = hashes.slice(0, size)
    const root = rootOfLeaves(leaves)
    for (const [index, leafHash] of leaves.entries()) {
      const proof = inclusionProof(index, leaves)
      assert.equal(isIncluded({ index, size, leafHash, root }, proof), true)
      assert.equal(isIncluded({ index: (index + 1) % (size + 1), size, leafHash, root }, proof), false)
      const firstRoot = rootOfLeaves(leaves.slice(0, index))
      const claim = { firstSize: index, firstRoot, secondSize: size, secondRoot: root }
      assert.equal(isConsistent(claim, consistencyProof(index, leaves)), true)
    }
  }
})

test('a tree goes on from its edge', () => {
  const hashes = Array.from({ length: 40 }, (_, index) => hashLeaf(Buffer.from(`leaf ${index}`)))
  const whole = new CompactTree()
  for (const [index, hash] of hashes.entries()) {
    const tail = CompactTree.restore(index, whole.edge)
    for (const later of hashes.slice(index)) tail.append(later)
    assert.deepEqual(tail.root(), rootOfLeaves(hashes))
    whole.append(hash)
  }
  assert.throws(() => CompactTree.restore(3, [hashes[0] ?? Buffer.alloc(0)]), { code: 'SP_OUT_OF_RANGE' })
  assert.throws(() => CompactTree.restore(-1, []), { code: 'SP_OUT_OF_RANGE' })
})

test('proofs hold in trees beyond 32 bits', () => {
  // All leaves alike: then the root of a range depends on its length only, and a huge tree can be computed.
  const leafHash = hashLeaf(Buffer.from('same'))
  const known = new Map<number, Uint8Array>([[1, leafHash]])
  const rootOf = (size: number): Uint8Array => {
    let root = known.get(size)
    if (root === undefined) {
      let split = 1
      while (split * 2 < size) split *= 2
      root = hashNode(rootOf(split), rootOf(size - split))
      known.set(size, root)
    }
    return root
  }
  const size = 2 ** 41 + 2 ** 33 + 12_345
  for (const index of [0, 2 ** 33, 2 ** 41 - 1, 2 ** 41 + 7, size - 1]) {
    const proof = inclusionRanges(index, size).map(({ start, end }) => rootOf(end - start))
    assert.equal(isIncluded({ index, size, leafHash, root: rootOf(size) }, proof), true)
    const steps = consistencyRanges(index, size).map(({ start, end }) => rootOf(end - start))
    const firstRoot = index === 0 ? emptyRoot() : rootOf(index)
    const claim = { firstSize: index, firstRoot, secondSize: size, secondRoot: rootOf(size) }
    assert.equal(isConsistent(claim, steps), true)
  }
})

test('positions that a tree does not have are refused', () => {
  for (const [index, size] of [
    [0, 0],
    [8, 8],
    [-1, 8],
    [0.5, 8],
    [0, Number.NaN],
  ] as const) {
    assert.throws(() => inclusionRanges(index, size), { code: 'SP_OUT_OF_RANGE' })
  }
  for (const [first, size] of [
    [9, 8],
    [-1, 8],
    [0.5, 8],
  ] as const) {
    assert.throws(() => consistencyRanges(first, size), { code: 'SP_OUT_OF_RANGE' })
  }
})

test('an entry longer than a bundle takes still has its hash', () => {
  for (const length of [0, 1, MAX_ENTRY_BYTES, MAX_ENTRY_BYTES + 1, 200_000]) {
    const entry = Buffer.alloc(length, 0x61)
    assert.deepEqual(hashLeaf(entry), sha256Of(Buffer.of(0), entry))
  }
})
