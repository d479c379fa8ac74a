/** What records that are little text and much memory, when parsed, may take: each job runs in a thread with too little room for all of them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { askingPolicies } from './asking-policies.ts'
import { PackTables } from './pack-tables.ts'
import { Roster } from './roster.ts'

const RECORDS = 300
const HEAP_MB = 128
/** 60 KB of text, 1.5 MB of objects. */
const lists = `[${Array.from({ length: 20_000 }, () => '{}').join(',')}]`

/** Has the tables take records of lists, and end them when they are operations; 450 MB when all are kept as parsed. */
function take(leafOf: (record: number) => string, isEnded: boolean): void {
  let rows = 0
  const tables = new PackTables(new Roster(new Map()), { row: () => (rows += 1) })
  for (let record = 0; record < RECORDS; record += 1) {
    const text = leafOf(record)
    tables.take(record, { text, leaf: JSON.parse(text) as Record<string, unknown> })
  }
  for (let intent = 0; isEnded && intent < RECORDS; intent += 1) {
    const text = `{"unmapped":{"intent":${intent},"phase":"outcome"}}`
    tables.take(RECORDS + intent, { text, leaf: JSON.parse(text) as Record<string, unknown> })
  }
  tables.finish()
  assert.ok(rows >= RECORDS)
}

const intent = (): string => `{"unmapped":{"phase":"intent","x":${lists}}}`
const answer = (activity: string) => (record: number) =>
  `{"entity":{"type":"request","uid":"R${record}"},"unmapped":{"activity":"${activity}","phase":"event","x":${lists}}}`

const jobs: Readonly<Record<string, () => void>> = {
  'operations that end': () => {
    take(intent, true)
  },
  'operations that do not end': () => {
    take(intent, false)
  },
  requests: () => {
    take(answer('request-open'), false)
  },
  answers: () => {
    take(answer('request-deny'), false)
  },
  'a policy of nothing but lists': () => {
    assert.equal(askingPolicies(`[${'[],'.repeat(8_000_000)}[]]`).needs.size, 0)
  },
}

if (isMainThread)
  for (const name of Object.keys(jobs))
    test(`${name}: memory is bounded`, async () => {
      const ended = await new Promise<string>((resolve) => {
        const worker = new Worker(new URL(import.meta.url), {
          workerData: name,
          resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
        })
        worker.once('error', (error) => {
          resolve(String(error))
        })
        worker.once('exit', () => {
          resolve('in order')
        })
      })
      assert.equal(ended, 'in order')
    })
else jobs[String(workerData)]?.()
