import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { withoutDigits } from './testkit/cards.ts'
import { masking, maskValue } from './testkit/value.ts'
import { readVectors, vectorFolder } from './testkit/vectors.ts'

/** Groups vectors by name, so that a failure names the form and not the number. */
function byName<T extends { readonly name: string }>(vectors: readonly T[]): [string, readonly T[]][] {
  return [...Map.groupBy(vectors, (vector) => vector.name)]
}

interface TextVector {
  readonly name: string
  readonly text: string
  readonly strict: string
  readonly loose: string
}

const inText = ['numbers-in-text.json', 'more-numbers-in-text.json', 'markup.json'].flatMap((file) => [
  ...readVectors<TextVector>(file),
])
for (const [name, vectors] of byName(inText)) {
  test(`a card number in text: ${name}`, () => {
    for (const { text, strict, loose } of vectors) {
      const result = maskValue(text)
      assert.ok(result.text === strict, `result: ${withoutDigits(text)}`)
      assert.equal(result.verdict, text === strict ? 'clean' : 'masked')
      assert.ok(result.mayMatch || text === strict, `quick look: ${withoutDigits(text)}`)
      assert.ok(masking.scrubber.scrubText(text) === loose, `record: ${withoutDigits(text)}`)
    }
  })
}

for (const [name, vectors] of byName(
  readVectors<{ readonly name: string; readonly text: string; readonly scrubbed: string }>('tracks.json'),
)) {
  test(`authentication data: ${name}`, () => {
    for (const { text, scrubbed } of vectors) {
      const result = maskValue(text)
      assert.equal(result.verdict, 'refuse-sad', withoutDigits(text))
      assert.ok(result.mayMatch, `quick look: ${withoutDigits(text)}`)
      assert.ok(masking.scrubber.scrubText(text) === scrubbed, `record: ${withoutDigits(text)}`)
    }
  })
}

for (const [name, vectors] of byName(
  readVectors<{ readonly name: string; readonly text: string; readonly refuse: boolean }>('numeric.json'),
)) {
  test(`a numeric value: ${name}`, () => {
    for (const { text, refuse } of vectors) {
      const result = maskValue(text, 'numeric')
      assert.equal(result.verdict, refuse ? 'refuse-numeric' : 'clean', withoutDigits(text))
      assert.ok(result.text === text, `altered: ${withoutDigits(text)}`)
      assert.ok(result.mayMatch || !refuse, `quick look: ${withoutDigits(text)}`)
    }
  })
}

interface JsonVector {
  readonly name: string
  readonly text: string
  readonly masked?: string
  readonly refuse?: true
}

for (const [name, vectors] of byName(readVectors<JsonVector>('json.json'))) {
  test(`a JSON value: ${name}`, () => {
    for (const { text, masked, refuse } of vectors) {
      const result = maskValue(text, 'json')
      assert.equal(
        result.verdict,
        refuse ? 'refuse-numeric' : text === masked ? 'clean' : 'masked',
        withoutDigits(text),
      )
      if (refuse) continue
      assert.ok(result.text === masked, withoutDigits(text))
      assert.doesNotThrow(() => JSON.parse(result.text), withoutDigits(text))
      assert.ok(result.mayMatch || text === masked, `quick look: ${withoutDigits(text)}`)
    }
  })
}

interface Lookalike {
  readonly name: string
  readonly text: string
}

const lookalikes = ['lookalikes.json', 'markup-lookalikes.json', 'decimal-lookalikes.json'].flatMap((file) => [
  ...readVectors<Lookalike>(file),
])
for (const [name, vectors] of byName(lookalikes)) {
  test(`left alone in results: ${name}`, () => {
    for (const { text } of vectors) {
      const result = maskValue(text)
      assert.equal(result.verdict, 'clean', withoutDigits(text))
      assert.ok(result.text === text, withoutDigits(text))
    }
  })
}

for (const [name, vectors] of byName(
  readVectors<{ readonly name: string; readonly text: string; readonly altered: boolean }>('by-chance.json'),
)) {
  test(`altered when the digits pass by chance: ${name}`, () => {
    for (const { text, altered } of vectors) {
      assert.equal(maskValue(text).verdict, altered ? 'masked' : 'clean', withoutDigits(text))
    }
  })
}

test('the vectors are what their generator makes', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sallyport-pan-'))
  try {
    execFileSync(process.execPath, [path.join(vectorFolder, 'generate.mjs'), folder])
    const files = readdirSync(folder)
    assert.deepEqual(
      files.toSorted(),
      readdirSync(vectorFolder)
        .filter((file) => file.endsWith('.json'))
        .toSorted(),
    )
    for (const file of files) {
      const made = readFileSync(path.join(folder, file), 'utf8')
      assert.ok(made === readFileSync(path.join(vectorFolder, file), 'utf8'), `${file} differs`)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})
