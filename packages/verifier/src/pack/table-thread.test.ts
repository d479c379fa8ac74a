import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { writeFiles } from '../testkit/folder.ts'
import { signer } from '../testkit/sample-log.ts'
import { MemoryPack, packFiles, packLeaves } from '../testkit/sample-pack.ts'
import { VerifierError } from '../errors.ts'
import { PackFolderSource } from './pack-source.ts'
import { OwnTableCheck, type RecordBatch } from './table-check.ts'
import { TableThread } from './table-thread.ts'
import { verifyPack } from './verify-pack.ts'

const SIZE = 10_500
const trust = { keys: [signer.key] }
const large = packFiles(SIZE)
const batch: RecordBatch = {
  first: 0,
  leaves: packLeaves(100).map((leaf) => Buffer.from(leaf).toString()),
  statements: [],
}
let root = ''

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'sallyport-tables-'))
  await writeFiles(root, large)
})
after(() => rm(root, { recursive: true }))

/** A thread that runs the given text. */
function threadOf(text: string, silenceMs?: number): TableThread {
  const entry = new URL(`data:text/javascript,import { parentPort } from 'node:worker_threads';${encodeURI(text)}`)
  return new TableThread({ folder: root, names: new Map(), disclosed: 'statements' }, entry, silenceMs)
}

test('a large pack is checked in two threads, with the result of one', async () => {
  const two = await verifyPack(new PackFolderSource(root), trust)
  assert.deepEqual([two.verdict, two.counts.records], ['intact', SIZE])
  assert.deepEqual(two, await verifyPack(new MemoryPack(large), trust))
})

test('two threads name the first thing that is wrong, whatever is wrong besides', async () => {
  for (const paths of [
    ['artifacts/1-access-log.jsonl', 'artifacts/5-masking.csv'],
    ['artifacts/5-masking.jsonl', 'payloads.jsonl'],
  ]) {
    const files = new Map(large)
    for (const path of paths) {
      const bytes = Buffer.from(files.get(path) ?? assert.fail(path))
      bytes[bytes.length >> 1] = 0x21
      files.set(path, bytes)
      await writeFile(join(root, path), bytes)
    }
    const two = await verifyPack(new PackFolderSource(root), trust)
    const one = await verifyPack(new MemoryPack(files), trust)
    assert.equal(two.finding?.verdict, 'altered')
    assert.deepEqual([two.verdict, two.finding], [one.verdict, one.finding])
    for (const path of paths) await writeFile(join(root, path), large.get(path) ?? assert.fail(path))
  }
})

test('what the thread finds is what would be found here', async () => {
  const order = { names: new Map<string, string>(), disclosed: 'none' } as const
  const thread = new TableThread({ folder: root, ...order })
  const own = await OwnTableCheck.begin(new PackFolderSource(root), order)
  for (const check of [thread, own]) await check.take(batch)
  const [there, here] = [await thread.finish(), await own.finish()]
  assert.ok(here.findings.length > 0)
  assert.deepEqual(there, here)
  for (const check of [thread, own]) await check.close()
})

const broken: readonly (readonly [string, TableThread, RegExp])[] = [
  ['ends at once', threadOf(''), /ended/],
  ['ends without an answer', threadOf("parentPort.once('message', () => process.exit(0))"), /ended/],
  ['throws', threadOf("parentPort.on('message', () => { throw new TypeError('record content') })"), /TypeError$/],
  ['cannot be loaded', threadOf('this is no JavaScript'), /SyntaxError$/],
  ['says nothing', threadOf("parentPort.on('message', () => undefined)", 50), /said nothing for 0.05 s/],
  ['hangs', threadOf("parentPort.on('message', () => { for (;;); })", 50), /said nothing for 0.05 s/],
  [
    'answers something else',
    threadOf("parentPort.on('message', () => parentPort.postMessage({ kind: 'taken' }))"),
    /answered something else/,
  ],
  ['answers nonsense', threadOf("parentPort.on('message', () => parentPort.postMessage(undefined))"), /something else/],
]

for (const [what, thread, message] of broken) {
  test(`a thread that ${what} is a check that was not finished`, async () => {
    const run = async (): Promise<unknown> => {
      for (let at = 0; at < 10; at += 1) await thread.take(batch)
      return await thread.finish()
    }
    try {
      await assert.rejects(run(), { code: 'SP_CHECK_UNFINISHED', message })
    } finally {
      await thread.close()
    }
    await assert.rejects(run(), { code: 'SP_CHECK_UNFINISHED' })
  })
}

test('a check that was not finished decides nothing', async () => {
  class Unfinished extends MemoryPack {
    override open(path: string): ReturnType<MemoryPack['open']> {
      if (path === 'payloads.jsonl') throw new VerifierError('SP_CHECK_UNFINISHED', 'the thread ended')
      return super.open(path)
    }
  }
  const { verdict, finding } = await verifyPack(new Unfinished(large), trust)
  assert.deepEqual([verdict, finding?.code], ['undecided', 'check-unfinished'])
})
