/**
 * Watches the gateway's system calls: between reading a statement from its client and sending it to the database there is a completed write
 * into the write-ahead file, which was opened with O_DSYNC (so that a returned write is its sync).
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { startBoundary } from '../demo/boundary.ts'
import { SERVICE_USER } from '../demo/data.ts'
import { connect, jobToken } from '../demo/people.ts'
import { jobPolicy, testPlan } from './plan.ts'

const STATEMENTS = 50
const plan = testPlan({
  sql: ['create table marks (mark text)', `alter table marks owner to ${SERVICE_USER}`],
  tables: ['public.marks'],
  policy: jobPolicy({ 'public.marks': ['insert', 'select'] }),
})

const hasStrace = spawnSync('strace', ['-V']).status === 0

test(
  'no statement is sent before the sync that covers its intent',
  { skip: hasStrace ? false : 'strace is not here: apt-get install strace' },
  async (t) => {
    const boundary = await startBoundary(plan)
    t.after(() => boundary.stop(false))
    const output = join(boundary.folder, 'strace.out')
    const { pid } = boundary.gateway().process
    const calls = 'read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg,pwrite64,pwritev,pwritev2,openat'
    const strace = spawn(
      'strace',
      ['-f', '-yy', '-s', '4096', '-e', `trace=${calls}`, '-o', output, '-p', String(pid)],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    )
    await once(strace.stderr, 'data')
    // Attaching to all threads takes a moment; the first mark that shows in the trace proves that it is done.
    const client = await connect(boundary, 'ci-bot', await jobToken(boundary))
    for (let mark = 0; mark < STATEMENTS; mark++) {
      if (mark % 2 === 0) await client.query(`insert into marks values ('mark-${mark}.')`)
      else await client.query('insert into marks values ($1)', [`mark-${mark}.`])
    }
    await client.end()
    await delay(300)
    strace.kill('SIGINT')
    await once(strace, 'exit')
    const found = judge(readFileSync(output, 'utf8'), boundary.database.port)
    assert.ok(isSynchronous(boundary), 'the write-ahead file is not open with O_DSYNC')
    t.diagnostic(`${found.sent} statements sent, each behind a sync; ${found.syncs} syncs`)
    assert.deepEqual(found.early, [])
    assert.equal(found.sent, STATEMENTS)
  },
)

/** Linux: `/proc/PID/fdinfo/N` shows the flags of an open file in octal; O_DSYNC is 0o10000. */
function isSynchronous(boundary: { gateway(): { process: { pid?: number | undefined } } }): boolean {
  const pid = boundary.gateway().process.pid ?? 0
  const list = spawnSync('sh', [
    '-c',
    `for f in /proc/${pid}/fd/*; do l=$(readlink $f); case $l in *.wal) grep flags /proc/${pid}/fdinfo/\${f##*/};; esac; done`,
  ])
  const flags = [...list.stdout.toString().matchAll(/flags:\s*(\d+)/g)].map((match) =>
    Number.parseInt(match[1] ?? '0', 8),
  )
  return flags.some((value) => (value & 0o10000) !== 0)
}

interface Judgement {
  readonly sent: number
  readonly syncs: number
  /** Marks that were sent although no write of the write-ahead file had completed since they were read. */
  readonly early: readonly string[]
}

/** Walks the trace in order of completion for reads and syncs, of beginning for sends. */
function judge(trace: string, databasePort: number): Judgement {
  const readAt = new Map<string, number>()
  const unfinished = new Map<string, string>()
  let syncs = 0
  const early: string[] = []
  const sent = new Set<string>()
  for (const line of trace.split('\n')) {
    const [, thread = '', call = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? []
    const begun = call.includes('<unfinished ...>')
    const resumed = /^<\.\.\. \w+ resumed>/.test(call)
    const whole = resumed ? (unfinished.get(thread) ?? '') + call : call
    if (begun) unfinished.set(thread, call)
    // A send counts from its beginning, everything else from its completion.
    if (isSend(call, databasePort)) for (const mark of marksOf(call)) note(mark)
    if (begun) continue
    if (/\b(?:pwrite64|pwritev2?|write|writev)\(\d+<[^>]*\.wal>/.test(whole)) syncs++
    else if (/\b(?:read|readv|recvfrom|recvmsg)\(/.test(whole) && !whole.includes(`:${databasePort}]`)) {
      for (const mark of marksOf(whole)) if (!readAt.has(mark)) readAt.set(mark, syncs)
    }
  }
  return { sent: sent.size, syncs, early }

  function note(mark: string): void {
    if (sent.has(mark)) return
    sent.add(mark)
    const before = readAt.get(mark)
    if (before === undefined || syncs <= before) early.push(mark)
  }
}

function isSend(call: string, databasePort: number): boolean {
  return /^(?:write|writev|sendto|sendmsg)\(/.test(call) && call.includes(`:${databasePort}]`)
}

function marksOf(text: string): readonly string[] {
  return text.match(/mark-\d+\./g) ?? []
}
