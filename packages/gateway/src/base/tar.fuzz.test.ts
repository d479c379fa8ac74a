import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Bytes, concatBytes, tarEnd, type TarFile, tarHeader, tarPadding, TarReader } from '#base'

const runs = Number(process.env['SALLYPORT_FUZZ_RUNS'] ?? 100_000)

interface Content extends TarFile {
  readonly bytes: Bytes
}

const name = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,11}$/)
const path = fc.array(name, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('/'))
const content = fc
  .record({ path, bytes: fc.uint8Array({ maxLength: 1_100 }) })
  .map((file): Content => ({ ...file, size: file.bytes.length }))

function archive(files: readonly Content[]): Bytes {
  return concatBytes([...files.flatMap((file) => [tarHeader(file), file.bytes, tarPadding(file.size)]), tarEnd()])
}

/** Reads an archive in pieces of the given lengths. */
function readBack(bytes: Bytes, cuts: readonly number[]): { readonly files: Content[]; readonly isEnded: boolean } {
  const reader = new TarReader()
  const files: { path: string; size: number; pieces: Bytes[] }[] = []
  let at = 0
  for (let turn = 0; at < bytes.length; turn++) {
    const piece = bytes.subarray(at, at + (cuts[turn % cuts.length] ?? 512))
    at += piece.length
    for (const part of reader.read(piece)) {
      if (part.kind === 'file') files.push({ ...part.file, pieces: [] })
      if (part.kind === 'content') files.at(-1)?.pieces.push(Uint8Array.from(part.bytes))
    }
  }
  return {
    files: files.map(({ pieces, ...file }) => ({ ...file, bytes: concatBytes(pieces) })),
    isEnded: reader.isEnded,
  }
}

test('files come back, however the archive is cut', () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 2_000 }), { minLength: 1, maxLength: 5 })
  const property = fc.property(fc.array(content, { maxLength: 4 }), cuts, (files, lengths) => {
    assert.deepEqual(readBack(archive(files), lengths), { files, isEnded: true })
  })
  fc.assert(property, { numRuns: Math.ceil(runs / 20) })
})

test('whatever is read is a plain file below the folder, or a TypeError', () => {
  const base = archive([{ path: 'a/b.txt', size: 700, bytes: new Uint8Array(700) }])
  const change = fc.record({ at: fc.nat({ max: base.length - 1 }), byte: fc.nat({ max: 255 }) })
  const property = fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
    const bytes = Uint8Array.from(base)
    for (const { at, byte } of changes) bytes[at] = byte
    try {
      for (const file of readBack(bytes, [512]).files) assert.match(file.path, /^[A-Za-z0-9_](?!.*\/[.])[\w./-]*$/)
    } catch (error) {
      assert.ok(error instanceof TypeError)
    }
  })
  fc.assert(property, { numRuns: Math.ceil(runs / 20) })
})

test('paths that lead elsewhere are neither written nor read', () => {
  for (const wrong of [
    '',
    '/etc/passwd',
    '../x',
    'a/../b',
    'a//b',
    './a',
    'a/',
    '.hidden',
    'a\\b',
    'a\0b',
    'ä',
    'x'.repeat(101),
  ])
    assert.throws(() => tarHeader({ path: wrong, size: 0 }), TypeError, wrong)
  const header = tarHeader({ path: 'a/b', size: 0 })
  const forged = (at: number, text: string): Bytes => {
    const bytes = Uint8Array.from(header)
    bytes.set(Buffer.from(text), at)
    const sum = bytes.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 32 : byte), 0)
    bytes.set(Buffer.from(`${sum.toString(8).padStart(6, '0')}\0 `), 148)
    return bytes
  }
  for (const [at, text] of [
    [0, '../'],
    [0, '/a/'],
    [156, '2'],
    [156, '5'],
    [345, 'etc'],
    [157, '/etc'],
  ] as const)
    assert.throws(() => [...new TarReader().read(forged(at, text))], TypeError, text)
  assert.equal([...new TarReader().read(forged(0, 'a'))].length, 1)
})

test('tar reads what is written here', () => {
  const files = [
    { path: 'VERIFY.md', size: 5, bytes: Buffer.from('hello') },
    { path: 'trail/tile/entries/x001/x234/067.p/255', size: 512, bytes: new Uint8Array(512) },
  ]
  const listed = execFileSync('tar', ['-tvf', '-'], { input: archive(files), encoding: 'utf8' })
  assert.match(
    listed,
    /-rw------- .* 5 .*VERIFY\.md\n-rw------- .* 512 .*trail\/tile\/entries\/x001\/x234\/067\.p\/255/,
  )
})
