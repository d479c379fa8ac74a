import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import {
  FolderSource,
  formatVerifierKey,
  hashLeaf,
  parseCheckpoint,
  parseNote,
  proveConsistency,
  proveInclusion,
  rootOfLeaves,
  TrailReader,
} from '@sallyport/verifier'
import { writeFiles } from '../packages/verifier/src/testkit/folder.ts'
import { filesOf, sampleLog, signer } from '../packages/verifier/src/testkit/sample-log.ts'

// What we write is checked by programs that we did not write: Tessera's fsck, which derives the root from the entry
// bundles and compares every tile, and golang.org/x/mod/sumdb, which opens the note and checks proofs.

const FSCK = 'github.com/transparency-dev/tessera/cmd/fsck@v1.0.4'
const go = ['go', '/usr/local/go/bin/go'].find(canRun)
const skip = go === undefined && 'go is not on this machine: apt-get install golang-go, or https://go.dev/dl'
const run = promisify(execFile)

function canRun(command: string): boolean {
  try {
    execFileSync(command, ['version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

let folder = ''
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sallyport-fsck-'))
})
after(() => rm(folder, { recursive: true, force: true }))

async function installFsck(): Promise<string> {
  const bin = path.join(folder, 'bin')
  const fsck = path.join(bin, 'fsck')
  if (!existsSync(fsck)) await run(go ?? '', ['install', FSCK], { env: { ...process.env, GOBIN: bin } })
  return fsck
}

interface Judgement {
  readonly isAccepted: boolean
  readonly said: string
}

/**
 * fsck ends with 0 after some failures: only the sentence that it says at its end is an acceptance. As many workers as
 * a test has tiles: fewer stop at the first difference and leave it waiting for ever (v1.0.4).
 */
async function judge(trail: string, size: number): Promise<Judgement> {
  const args = [`--storage_url=file://${trail}`, `--public_key=${path.join(trail, 'vkey')}`, '--ui=false', '--N=8']
  const said = await run(await installFsck(), args, { timeout: 120_000 }).then(
    ({ stderr }) => stderr,
    (cause: unknown) => (cause instanceof Error && 'stderr' in cause ? String(cause.stderr) : String(cause)),
  )
  return { isAccepted: said.includes(`Successfully fsck'd log with size ${size} and root`), said }
}

for (const size of [1, 255, 256, 257, 1000, 66_000]) {
  test(`Tessera's fsck accepts a log of ${size}`, { skip }, async () => {
    const trail = path.join(folder, `intact-${size}`)
    await writeFiles(trail, filesOf(sampleLog(size)))
    const { isAccepted, said } = await judge(trail, size)
    assert.ok(isAccepted, said)
  })
}

for (const file of ['tile/entries/000', 'tile/0/000', 'tile/1/000.p/1', 'checkpoint']) {
  test(`Tessera's fsck refuses the log when ${file} was changed`, { skip }, async () => {
    const trail = path.join(folder, `changed-${file.replaceAll('/', '-')}`)
    await writeFiles(trail, filesOf(sampleLog(300)))
    const bytes = await readFile(path.join(trail, file))
    bytes[30] = (bytes[30] ?? 0) ^ 1
    await writeFile(path.join(trail, file), bytes)
    const { isAccepted, said } = await judge(trail, 300)
    assert.equal(isAccepted, false, said)
    assert.match(said, /failed|Failed|log has:|Calculated root/)
  })
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

test(
  'golang.org/x/mod/sumdb opens the checkpoint and accepts the proofs that come from the tiles',
  { skip },
  async () => {
    const log = sampleLog(1000)
    const size = log.leaves.length
    const trail = path.join(folder, 'proofs')
    await writeFiles(trail, filesOf(log))
    const note = await readFile(path.join(trail, 'checkpoint'))
    const { text } = parseNote(note)
    const hashes = log.leaves.map(hashLeaf)
    const reader = new TrailReader(new FolderSource(trail), size)
    const positions = [0, 1, 2, 254, 255, 256, 257, 511, 512, 767, 768, 998, 999]
    const inclusion = positions.map(async (n) => {
      const proof = await proveInclusion(reader, n)
      return { n, hash: base64(hashes[n] ?? assert.fail()), hashes: proof.map(base64) }
    })
    const consistency = [...positions.slice(1), size].map(async (n) => {
      const proof = await proveConsistency(reader, n)
      return { n, hash: base64(rootOfLeaves(hashes.slice(0, n))), hashes: proof.map(base64) }
    })
    const request = {
      vkey: formatVerifierKey(signer.key),
      note: note.toString(),
      text,
      size,
      root: base64(parseCheckpoint(text).root),
      inclusion: await Promise.all(inclusion),
      consistency: await Promise.all(consistency),
    }
    assert.equal(await checkWithSumdb(request), 'all hold\n')
    const [first] = request.inclusion
    assert.ok(first)
    const wrong = { ...request, inclusion: [{ ...first, n: 3 }] }
    await assert.rejects(checkWithSumdb(wrong), /inclusion of 3/)
  },
)

async function checkWithSumdb(request: unknown): Promise<string> {
  const checker = path.join(folder, 'bin', 'sumdb')
  const source = fileURLToPath(new URL('sumdb', import.meta.url))
  if (!existsSync(checker)) await run(go ?? '', ['build', '-o', checker, '.'], { cwd: source })
  const checking = run(checker, { maxBuffer: 1024 * 1024 })
  checking.child.stdin?.end(JSON.stringify(request))
  return (await checking).stdout
}
