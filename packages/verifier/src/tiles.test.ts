import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  entriesPath,
  formatResourcePath,
  parseResourcePath,
  payloadPath,
  tileLevels,
  tilePath,
  tilesAtLevel,
  tileWidth,
} from './tiles.ts'

const paths = [
  [tilePath(0, 0), 'tile/0/000'],
  [tilePath(0, 0, 8), 'tile/0/000.p/8'],
  [tilePath(1, 999), 'tile/1/999'],
  [tilePath(1, 1000, 255), 'tile/1/x001/000.p/255'],
  // The example of c2sp.org/tlog-tiles.
  [tilePath(63, 1_234_067), 'tile/63/x001/x234/067'],
  [entriesPath(1_234_067, 8), 'tile/entries/x001/x234/067.p/8'],
  [payloadPath(5), 'payload/005'],
  [entriesPath(Number.MAX_SAFE_INTEGER), 'tile/entries/x009/x007/x199/x254/x740/991'],
] as const

for (const [path, wanted] of paths) {
  test(`${wanted} is written and read`, () => {
    assert.equal(path, wanted)
    assert.equal(formatResourcePath(parseResourcePath(path)), path)
  })
}

test('a path says what it is the path of', () => {
  assert.deepEqual(parseResourcePath('tile/2/x001/000.p/9'), { kind: 'tile', level: 2, index: 1000, width: 9 })
  assert.deepEqual(parseResourcePath('tile/entries/000'), { kind: 'entries', index: 0, width: 256 })
  assert.deepEqual(parseResourcePath('payload/012.p/3'), { kind: 'payload', index: 12, width: 3 })
})

const refused = [
  '',
  'tile/0/0',
  'tile/0/0000',
  'tile/00/000',
  'tile/64/000',
  'tile/0/001/x000',
  'tile/0/x000/001',
  'tile/0/x001',
  'tile/0/000.p/0',
  'tile/0/000.p/08',
  'tile/0/000.p/256',
  'tile/0/000.p/257',
  'tile/0/000.p/',
  'tile/-1/000',
  'tile/entries/000/',
  '/tile/0/000',
  'tile/0/../000',
  'payload/x999/x999/x999/x999/x999/999',
  'tile/0/０００',
  'tile/0/000\n',
  'checkpoint',
]
for (const path of refused) {
  test(`${JSON.stringify(path)} is no path of a log`, () => {
    assert.throws(() => parseResourcePath(path), { code: 'SP_PATH_MALFORMED' })
  })
}

test('positions out of range have no path', () => {
  for (const write of [
    () => tilePath(64, 0),
    () => tilePath(-1, 0),
    () => tilePath(0, -1),
    () => tilePath(0, 0.5),
    () => tilePath(0, 0, 0),
    () => tilePath(0, 0, 257),
    () => entriesPath(2 ** 53),
  ]) {
    assert.throws(write, { code: 'SP_OUT_OF_RANGE' })
  }
})

test('widths are those of the specification', () => {
  const at = (level: number, size: number): readonly number[] =>
    Array.from({ length: tilesAtLevel(level, size) }, (_, index) => tileWidth(level, index, size))
  assert.deepEqual([at(0, 0), tileLevels(0)], [[], 0])
  assert.deepEqual([at(0, 1), tileLevels(1)], [[1], 1])
  assert.deepEqual([at(0, 256), at(1, 256), tileLevels(256)], [[256], [1], 2])
  assert.deepEqual([at(0, 257), at(1, 257)], [[256, 1], [1]])
  assert.deepEqual(
    [tilesAtLevel(0, 70_000), tileWidth(0, 273, 70_000), at(1, 70_000), at(2, 70_000)],
    [274, 112, [256, 17], [1]],
  )
  assert.equal(tileLevels(70_000), 3)
  assert.equal(tileWidth(0, 274, 70_000), 0)
})
