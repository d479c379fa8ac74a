import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hashLeaf, isConsistent, isIncluded, rootOfLeaves } from './merkle.ts'
import { proveConsistency, proveInclusion } from './proofs.ts'
import { HASH_BYTES } from './sha256.ts'
import { MemorySource } from './testkit/memory-source.ts'
import { type Tile, TileTree } from './tile-tree.ts'
import { TILE_WIDTH, tilePath } from './tiles.ts'
import { TrailReader } from './trail-reader.ts'

const hashes = Array.from({ length: 70_000 }, (_, index) => hashLeaf(Buffer.from(String(index))))
const row = Buffer.concat(hashes)

function tilesOf(size: number): { readonly tree: TileTree; readonly tiles: readonly Tile[] } {
  const tiles: Tile[] = []
  const tree = new TileTree((tile) => tiles.push(tile))
  tree.append(row.subarray(0, size * HASH_BYTES))
  return { tree, tiles: [...tiles, ...tree.partialTiles()] }
}

const filesOf = (tiles: readonly Tile[]): Map<string, Uint8Array> =>
  new Map(tiles.map((tile) => [tilePath(tile.level, tile.index, tile.width), tile.hashes]))

test('a tree of 70,000 has the tiles that the specification counts', () => {
  const { tree, tiles } = tilesOf(70_000)
  const count = (level: number): readonly number[] => {
    const widths = tiles.filter((tile) => tile.level === level).map(({ width }) => width)
    return [widths.filter((width) => width === TILE_WIDTH).length, ...widths.filter((width) => width < TILE_WIDTH)]
  }
  assert.deepEqual([count(0), count(1), count(2), count(3)], [[273, 112], [1, 17], [0, 1], [0]])
  assert.deepEqual(tree.root(), rootOfLeaves(hashes))
})

test('a tree of 256 has one full tile and the one above it', () => {
  const { tree, tiles } = tilesOf(256)
  assert.deepEqual([...filesOf(tiles).keys()], ['tile/0/000', 'tile/1/000.p/1'])
  assert.deepEqual(tree.root(), tiles[1]?.hashes)
})

test('the root is that of the leaves at every size, and each tile has the hashes of its place', () => {
  const sizes = [0, 1, 2, 3, 255, 256, 257, 511, 512, 513, 1000, 65_535, 65_536, 65_537]
  for (const size of sizes) {
    const { tree, tiles } = tilesOf(size)
    assert.deepEqual(tree.root(), rootOfLeaves(hashes.slice(0, size)), `size ${size}`)
    for (const { level, index, width, hashes: content } of tiles.filter((tile) => tile.level > 0)) {
      const unit = TILE_WIDTH ** level
      const at = (index * TILE_WIDTH + width - 1) * unit
      assert.deepEqual(content.subarray((width - 1) * HASH_BYTES), rootOfLeaves(hashes.slice(at, at + unit)))
    }
  }
})

test('a tree goes on from its partial tiles', () => {
  fc.assert(
    fc.property(fc.nat(2000), fc.nat(2000), (size, more) => {
      const { tree } = tilesOf(size)
      const partial = filesOf(tree.partialTiles())
      const emitted: Tile[] = []
      const restored = TileTree.restore(
        size,
        (level, index, width) => partial.get(tilePath(level, index, width)) ?? new Uint8Array(0),
        (tile) => emitted.push(tile),
      )
      assert.deepEqual(restored.root(), tree.root())
      for (const hash of hashes.slice(size, size + more)) restored.append(hash)
      const { tree: straight, tiles } = tilesOf(size + more)
      assert.equal(restored.size, size + more)
      assert.deepEqual(restored.root(), straight.root())
      for (const tile of [...emitted, ...restored.partialTiles()])
        assert.ok(tiles.some((other) => isSameTile(tile, other)))
    }),
    { numRuns: 100 },
  )
})

function isSameTile(a: Tile, b: Tile): boolean {
  return a.level === b.level && a.index === b.index && a.width === b.width && Buffer.from(a.hashes).equals(b.hashes)
}

test('a tree does not go on from tiles that do not fit', () => {
  const restore = (): TileTree =>
    TileTree.restore(
      3,
      () => Buffer.alloc(64),
      () => undefined,
    )
  assert.throws(restore, { code: 'SP_TILE_MALFORMED' })
  assert.throws(() => new TileTree(() => undefined).append(Buffer.alloc(33)), { code: 'SP_TILE_MALFORMED' })
})

test('proofs from tile files verify', async () => {
  for (const size of [1, 5, 256, 257, 513, 66_000]) {
    const { tree, tiles } = tilesOf(size)
    const reader = new TrailReader(new MemorySource(filesOf(tiles)), size)
    for (const index of new Set([0, 1, 255, 256, 300, 65_535, 65_536, size - 1].filter((at) => at < size))) {
      const claim = { index, size, leafHash: hashes[index] ?? Buffer.alloc(0), root: tree.root() }
      assert.equal(isIncluded(claim, await proveInclusion(reader, index)), true, `${index} in ${size}`)
      const firstRoot = rootOfLeaves(hashes.slice(0, index))
      const proof = await proveConsistency(reader, index)
      assert.equal(
        isConsistent({ firstSize: index, firstRoot, secondSize: size, secondRoot: tree.root() }, proof),
        true,
      )
    }
    await assert.rejects(proveInclusion(reader, size), { code: 'SP_OUT_OF_RANGE' })
  }
  const empty = new TrailReader(new MemorySource(new Map()), 5)
  await assert.rejects(proveInclusion(empty, 1), { code: 'SP_TILE_MALFORMED' })
})
