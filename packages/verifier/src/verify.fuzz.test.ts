import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fuzzRuns } from './testkit/fuzz-runs.ts'
import { MemorySource } from './testkit/memory-source.ts'
import { filesOf, sampleLog, signer } from './testkit/sample-log.ts'
import { parseResourcePath, TILE_WIDTH } from './tiles.ts'
import { verifyTrail } from './verify.ts'

/** The record to whose part of a bundle or payload file a byte belongs. */
function recordAt(path: string, bytes: Uint8Array, position: number): number {
  const { index, kind } = parseResourcePath(path) as { readonly index: number; readonly kind: string }
  const view = Buffer.from(bytes)
  const lengthBytes = kind === 'entries' ? 2 : 4
  let at = 0
  let record = index * TILE_WIDTH
  for (;;) {
    at += lengthBytes + view.readUIntBE(at, lengthBytes)
    if (position < at) return record
    record += 1
  }
}

for (const [size, share] of [
  [40, 0.02],
  [290, 0.005],
] as const) {
  test(`in a log of ${size}, one changed byte in any file is found, and the record or file is named`, async () => {
    const files = filesOf(sampleLog(size))
    const paths = [...files.keys()]
    const change = fc
      .constantFrom(...paths)
      .chain((path) =>
        fc.tuple(fc.constant(path), fc.nat((files.get(path)?.length ?? 1) - 1), fc.integer({ min: 1, max: 255 })),
      )
    await fc.assert(
      fc.asyncProperty(change, fc.boolean(), async ([path, position, bits], isKeyGiven) => {
        const original = files.get(path) ?? assert.fail()
        const changed = Buffer.from(original)
        changed[position] = (changed[position] ?? 0) ^ bits
        const source = new MemorySource(new Map(files).set(path, changed))
        const { verdict, finding } = await verifyTrail(source, isKeyGiven ? { keys: [signer.key] } : {})
        if (path === 'vkey' && isKeyGiven) {
          assert.equal(verdict, 'intact', 'a file that was not used changed the result')
          return
        }
        assert.ok(finding, `not found: byte ${position} of ${path}`)
        assert.notEqual(verdict, 'intact')
        assert.equal(finding.file, path)
        if (path.startsWith('tile/entries/') || path.startsWith('payload/')) {
          // A changed length moves what follows; the first wrong thing is still where it was changed.
          const record = recordAt(path, original, position)
          assert.equal(finding.record, record, finding.message)
        }
      }),
      { numRuns: fuzzRuns(share) },
    )
  })
}

test('whatever the files hold, the check ends with a verdict', async () => {
  const files = filesOf(sampleLog(40))
  const paths = [...files.keys()]
  const content = fc.oneof(fc.uint8Array({ maxLength: 100 }), fc.constantFrom(...files.values()))
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(fc.constantFrom(...paths), content),
      fc.subarray(paths),
      async (changed, missing) => {
        const all = new Map([...files, ...Object.entries(changed)])
        for (const path of missing) all.delete(path)
        const { verdict } = await verifyTrail(new MemorySource(all))
        assert.ok(['intact', 'altered', 'incomplete', 'undecided'].includes(verdict))
      },
    ),
    { numRuns: fuzzRuns(0.01) },
  )
})
