/**
 * A trail that the gateway wrote, tampered with in each of the ways that an auditor asks about: `npx sallyport-verify` finds each and names the
 * place. The files are changed by code of this test alone, from the format as it is published.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test, type TestContext } from 'node:test'
import { type Boundary, startBoundary } from '../demo/boundary.ts'
import { SERVICE_USER } from '../demo/data.ts'
import { connect, jobToken } from '../demo/people.ts'
import { REPOSITORY } from '../demo/plan.ts'
import { jobPolicy, testPlan } from './plan.ts'

/** An intent and an outcome each. */
const STATEMENTS = 360
const WRITERS = 6
const LEAST_RECORDS = 600
const BUNDLE = 256
/** C2SP tlog-tiles: an entry's length takes two bytes; a payload's four. */
const ENTRY_LENGTH_BYTES = 2
const PAYLOAD_LENGTH_BYTES = 4

let boundary: Boundary
/** The whole data folder as it was half way. */
let earlier: string
/** The signed checkpoint that an auditor took away at the end. */
let known: string
let size: number

before(async () => {
  const plan = testPlan({
    sql: ['create table marks (mark text)', `alter table marks owner to ${SERVICE_USER}`],
    tables: ['public.marks'],
    policy: jobPolicy({ 'public.marks': ['insert', 'select'] }),
  })
  boundary = await startBoundary(plan)
  await write('first half')
  await boundary.gateway().stop()
  earlier = join(boundary.folder, 'earlier')
  cpSync(join(boundary.folder, 'data'), earlier, { recursive: true })
  await boundary.startGateway()
  await write('second half')
  await boundary.gateway().stop()
  known = join(boundary.folder, 'known-checkpoint')
  cpSync(join(boundary.trailFolder, 'checkpoint'), known)
  size = sizeOf(boundary.trailFolder)
  assert.ok(size >= LEAST_RECORDS, `only ${size} records`)
})
after(() => boundary.stop(false))

async function write(note: string): Promise<void> {
  const token = await jobToken(boundary)
  const writers = Array.from({ length: WRITERS }, async (_, writer) => {
    const client = await connect(boundary, 'ci-bot', token)
    for (let turn = 0; turn < STATEMENTS / 2 / WRITERS; turn++)
      await client.query('insert into marks values ($1)', [`${note} ${writer} ${turn}`])
    await client.end()
  })
  await Promise.all(writers)
}

function sizeOf(trail: string): number {
  return Number(readFileSync(join(trail, 'checkpoint'), 'utf8').split('\n')[1])
}

/** A copy of the trail that may be tampered with. */
function copyOf(trail: string): string {
  const copy = join(boundary.folder, 'copy')
  rmSync(copy, { recursive: true, force: true })
  cpSync(trail, copy, { recursive: true })
  return copy
}

interface Verified {
  readonly exitCode: number
  readonly stdout: string
}

/** Runs the command as the README gives it. */
async function verify(...args: readonly string[]): Promise<Verified> {
  const child = spawn('npx', ['--no-install', 'sallyport-verify', ...args], {
    cwd: REPOSITORY,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let stdout = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  const [exitCode] = (await once(child, 'close')) as [number]
  return { exitCode, stdout }
}

/** Where a record lies: its bundle's file, and its place in it. */
function placeOf(record: number): { readonly index: number; readonly width: number; readonly at: number } {
  const index = Math.floor(record / BUNDLE)
  return { index, width: Math.min(BUNDLE, size - index * BUNDLE), at: record % BUNDLE }
}

function pathOf(folder: string, record: number): string {
  const { index, width } = placeOf(record)
  const name = String(index).padStart(3, '0')
  return `${folder}/${width === BUNDLE ? name : `${name}.p/${width}`}`
}

/** Takes a file of items with their lengths in front apart, lets them be changed, and puts it together again. */
function change(file: string, lengthBytes: number, edit: (items: Buffer[]) => void): void {
  const bytes = readFileSync(file)
  const items: Buffer[] = []
  for (let offset = 0; offset < bytes.length;) {
    const end = offset + lengthBytes + bytes.readUIntBE(offset, lengthBytes)
    items.push(bytes.subarray(offset + lengthBytes, end))
    offset = end
  }
  edit(items)
  const parts = items.flatMap((item) => {
    const length = Buffer.alloc(lengthBytes)
    length.writeUIntBE(item.length, 0, lengthBytes)
    return [length, item]
  })
  writeFileSync(file, Buffer.concat(parts))
}

function changeRecords(trail: string, record: number, edit: (entries: Buffer[], at: number) => void): void {
  const { at } = placeOf(record)
  change(join(trail, pathOf('tile/entries', record)), ENTRY_LENGTH_BYTES, (entries) => edit(entries, at))
}

function changePayloads(trail: string, record: number, edit: (blobs: Buffer[], at: number) => void): void {
  const { at } = placeOf(record)
  change(join(trail, pathOf('payload', record)), PAYLOAD_LENGTH_BYTES, (blobs) => edit(blobs, at))
}

/** An intent in the middle of a full bundle, with its payload and another's behind it. */
function anIntent(): number {
  let found = -1
  change(join(copyOf(boundary.trailFolder), 'tile/entries/001'), ENTRY_LENGTH_BYTES, (entries) => {
    found = entries.findIndex((entry, at) => at > 40 && entry.includes('"phase":"intent"') && entry.includes('"allow"'))
  })
  assert.ok(found > 0, 'there is no intent')
  return BUNDLE + found
}

interface Tampering {
  readonly name: string
  /** Tampers with a copy; answers what is said of it. */
  readonly tamper: (trail: string, record: number) => string
  readonly result: 'altered' | 'incomplete'
}

const tamperings: readonly Tampering[] = [
  {
    name: 'a record is edited',
    tamper: (trail, record) => {
      changeRecords(trail, record, (entries, at) => entries[at]?.write('"allOw"', entries[at].indexOf('"allow"')))
      return `record ${record} changed: file tile/entries/001. Everything before record ${record} is intact.`
    },
    result: 'altered',
  },
  {
    name: 'a record is deleted',
    tamper: (trail, record) => {
      changeRecords(trail, record, (entries, at) => entries.splice(at, 1))
      return `record ${record} is missing: record ${record + 1} stands there`
    },
    result: 'altered',
  },
  {
    name: 'the end is cut off',
    tamper: (trail) => {
      changeRecords(trail, size - 1, (entries, at) => entries.splice(at - 9))
      return `log ends at ${size - 10} but the checkpoint says ${size}`
    },
    result: 'incomplete',
  },
  {
    name: 'two records are swapped',
    tamper: (trail, record) => {
      changeRecords(trail, record, (entries, at) => {
        const [one, two] = entries.slice(at, at + 2)
        if (one !== undefined && two !== undefined) entries.splice(at, 2, two, one)
      })
      return `record ${record + 1} stands where ${record} should`
    },
    result: 'altered',
  },
  {
    name: 'a record is put in twice',
    tamper: (trail, record) => {
      changeRecords(trail, record, (entries, at) => entries.splice(at + 1, 0, ...entries.slice(at, at + 1)))
      return `record ${record + 1} is a copy of ${record}`
    },
    result: 'altered',
  },
  {
    name: 'a payload is replaced by that of another record',
    tamper: (trail, record) => {
      changePayloads(trail, record, (blobs, at) => {
        const other = blobs.find((blob, place) => place > at && blob.length > 0)
        if (other !== undefined) blobs[at] = other
      })
      return `payload of record ${record} changed`
    },
    result: 'altered',
  },
  {
    name: 'a payload is taken out',
    tamper: (trail, record) => {
      changePayloads(trail, record, (blobs, at) => (blobs[at] = Buffer.alloc(0)))
      return `payload missing: that of record ${record}`
    },
    result: 'incomplete',
  },
]

const EXIT_CODES = { altered: 2, incomplete: 3 } as const

function assertFound(t: TestContext, verified: Verified, said: string, result: Tampering['result'] = 'altered'): void {
  const finding = verified.stdout.split('\n').find((line) => line.startsWith('✗')) ?? ''
  t.diagnostic(finding)
  assert.ok(finding.startsWith(`✗ ${said}`), verified.stdout)
  assert.match(verified.stdout, new RegExp(`^RESULT: ${result}\\.$`, 'm'))
  assert.equal(verified.exitCode, EXIT_CODES[result])
}

function rolledBack(): string {
  return `rolled back: you hold a checkpoint of size ${size}, this folder ends at ${sizeOf(join(earlier, 'trail'))}`
}

describe('found and named', () => {
  for (const { name, tamper, result } of tamperings) {
    test(name, async (t) => {
      const record = anIntent()
      const trail = copyOf(boundary.trailFolder)
      const said = tamper(trail, record)
      assertFound(t, await verify(trail, '--known-checkpoint', known), said, result)
    })
  }
})

test('the trail as it is', async (t) => {
  const { exitCode, stdout } = await verify(boundary.trailFolder, '--known-checkpoint', known)
  assert.equal(exitCode, 0, stdout)
  assert.match(stdout, new RegExp(`^✓ ${size} records +none missing between 0 and ${size - 1},`, 'm'))
  assert.match(stdout, new RegExp(`^✓ checkpoint consistent +with the one that you hold, of ${size} records$`, 'm'))
  assert.match(stdout, /^RESULT: intact, by whoever holds key [0-9A-F:]{95}\.$/m)
  t.diagnostic(`${size} records`)
})

describe('a checkpoint that somebody took away', () => {
  test('shows that the trail was rolled back to an older one, which alone looks intact', async (t) => {
    const trail = copyOf(join(earlier, 'trail'))
    const alone = await verify(trail)
    assert.equal(alone.exitCode, 0, alone.stdout)
    assert.match(alone.stdout, /^! newest not shown /m)
    assertFound(t, await verify(trail, '--known-checkpoint', known), rolledBack())
  })

  test('shows that only the checkpoint was put back', async (t) => {
    const trail = copyOf(boundary.trailFolder)
    cpSync(join(earlier, 'trail/checkpoint'), join(trail, 'checkpoint'))
    assertFound(t, await verify(trail, '--known-checkpoint', known), rolledBack())
  })

  test('shows that the gateway was made to write on from an older state', async (t) => {
    rmSync(join(boundary.folder, 'data'), { recursive: true })
    cpSync(earlier, join(boundary.folder, 'data'), { recursive: true })
    await boundary.startGateway()
    await write('another second half')
    await write('and more than that')
    await boundary.gateway().stop()
    assert.ok(sizeOf(boundary.trailFolder) > size)
    assert.equal((await verify(boundary.trailFolder)).exitCode, 0)
    const forked = `forked: the first ${size} records are not those of the checkpoint that you hold, though both are signed`
    assertFound(t, await verify(boundary.trailFolder, '--known-checkpoint', known), forked)
  })
})
