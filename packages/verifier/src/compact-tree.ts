import { VerifierError } from './errors.ts'
import { emptyRoot, hashNode } from './merkle.ts'

/**
 * A Merkle tree that can only grow: it keeps the roots of its perfect subtrees (one per set bit of the size) and gives
 * the root at any time. 53 hashes at most.
 */
export class CompactTree {
  #size = 0
  readonly #edge: Uint8Array[] = []

  /**
   * Continues a tree from what `edge` gave.
   *
   * @throws {VerifierError} `SP_OUT_OF_RANGE` when the number of hashes does not fit the size.
   */
  static restore(size: number, edge: readonly Uint8Array[]): CompactTree {
    if (!Number.isSafeInteger(size) || size < 0 || setBits(size) !== edge.length) {
      throw new VerifierError('SP_OUT_OF_RANGE', `a tree of ${size} does not have an edge of ${edge.length}`)
    }
    const tree = new CompactTree()
    tree.#size = size
    tree.#edge.push(...edge)
    return tree
  }

  get size(): number {
    return this.#size
  }

  /** The roots of the perfect subtrees, largest first. */
  get edge(): readonly Uint8Array[] {
    return [...this.#edge]
  }

  /** Appends a leaf's hash; the caller does not write to it afterwards. */
  append(leafHash: Uint8Array): void {
    let hash = leafHash
    // As adding one carries over the set low bits of the size, it joins the subtrees they stand for.
    for (let bits = this.#size; bits % 2 === 1; bits = (bits - 1) / 2) {
      hash = hashNode(this.#edge.pop() ?? hash, hash)
    }
    this.#edge.push(hash)
    this.#size += 1
  }

  root(): Uint8Array {
    return this.rootBeside(undefined) ?? emptyRoot()
  }

  /**
   * The root of this tree with another, lower one at its right; of a tree of hashes of level n that is the tree of
   * level n-1's rest.
   */
  rootBeside(right: Uint8Array | undefined): Uint8Array | undefined {
    return this.#edge.reduceRight<Uint8Array | undefined>(
      (hash, left) => (hash === undefined ? left : hashNode(left, hash)),
      right,
    )
  }
}

function setBits(value: number): number {
  let count = 0
  for (let rest = value; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2
  return count
}
