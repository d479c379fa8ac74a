import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, truncateSync } from 'node:fs'
import { access } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { startPostgres, type TestPostgres } from '../postgres.ts'

const door = new URL('../postgres.ts', import.meta.url).href
/** Processes are found through /proc. */
const onlyLinux = process.platform === 'linux' ? {} : { skip: 'needs /proc' }

const folders: string[] = []
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** A folder of this test that every user can enter. */
function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-launcher-'))
  chmodSync(folder, 0o755)
  folders.push(folder)
  return folder
}

/** The command lines of the processes that work in a folder or name it. */
function processesOf(folder: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
        const isThere = readlinkSync(`/proc/${pid}/cwd`).startsWith(folder) || commandLine.includes(folder)
        return isThere ? [commandLine] : []
      } catch {
        return []
      }
    })
}

/** The folders of servers in a temporary directory; the cache may lie there too, where the home is closed to the server. */
function runsIn(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => name.startsWith('sallyport-pg-'))
}

/** What ends takes a while on a machine that is busy with much else. */
const ENDS_MS = 30_000

async function until(holds: () => boolean, ms: number, otherwise: () => string): Promise<void> {
  const deadline = performance.now() + ms
  while (!holds()) {
    assert.ok(performance.now() < deadline, otherwise())
    await delay(5)
  }
}

/** Runs code in a process of its own that has `startPostgres`, with its own temporary directory or cache. */
function inOtherProcess(code: string, environment: NodeJS.ProcessEnv): ReturnType<typeof spawn> {
  const source = `import { startPostgres } from ${JSON.stringify(door)}; ${code}`
  return spawn(process.execPath, ['--input-type=module', '--eval', source], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

/** Starts a server elsewhere, asks it nothing, stops it. */
async function startElsewhere(environment: NodeJS.ProcessEnv): Promise<void> {
  const child = inOtherProcess(`const server = await startPostgres(); await server.stop()`, environment)
  const [code] = (await once(child, 'exit')) as [number | null]
  assert.equal(code, 0)
}

async function ask(server: TestPostgres, text: string, password = server.password): Promise<unknown[]> {
  const { host, port, user, database, ca } = server
  const ssl = ca === undefined ? false : { ca }
  const client = new pg.Client({ host, port, user, database, password, ssl })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

test('a server answers a SCRAM login over TLS, has its SQL, logs what it is asked, and goes without a trace', async () => {
  const sql = `create table notes (line text);\n\ninsert into notes values ('one'),\n ('two; three')`
  const server = await startPostgres({ tls: true, sql, database: 'a "b"', settings: { work_mem: "'5MB'" } })
  try {
    assert.deepEqual(await ask(server, 'select line from notes'), [{ line: 'one' }, { line: 'two; three' }])
    assert.deepEqual(await ask(server, 'show work_mem'), [{ work_mem: '5MB' }])
    assert.deepEqual(await ask(server, 'select ssl from pg_stat_ssl where pid = pg_backend_pid()'), [{ ssl: true }])
    const [role] = await ask(server, 'select rolpassword from pg_authid where rolname = current_user')
    assert.match(JSON.stringify(role), /SCRAM-SHA-256\$/)
    await assert.rejects(ask(server, 'select 1', 'another password'), { code: '28P01' })
    assert.match(await server.log(), /statement: select line from notes/)
  } finally {
    await server.stop()
  }
  await assert.rejects(access(join(server.dir, '..')), { code: 'ENOENT' })
  if (process.platform === 'linux')
    await until(
      () => processesOf(server.dir).length === 0,
      ENDS_MS,
      () => `still there: ${processesOf(server.dir).join()}`,
    )
})

test('SQL that PostgreSQL refuses is an error that says why', async () => {
  await assert.rejects(startPostgres({ sql: 'create table x (y nonsense)' }), /type "nonsense" does not exist/)
})

test('two servers at once have ports and folders of their own', async () => {
  const servers = await Promise.all([
    startPostgres({ sql: 'create table a ()' }),
    startPostgres({ sql: 'create table b ()' }),
  ])
  try {
    const tables = servers.map((server) => ask(server, "select tablename from pg_tables where schemaname = 'public'"))
    assert.deepEqual(await Promise.all(tables), [[{ tablename: 'a' }], [{ tablename: 'b' }]])
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
  }
})

/** What the process does, and which of its children is up when it is killed. */
const stages = [
  { name: 'initdb', code: 'await startPostgres()', child: /bin\/initdb / },
  {
    name: 'its SQL',
    code: `await startPostgres({ sql: 'select pg_sleep(600)' })`,
    child: /bin\/postgres --single.* cards/,
  },
  { name: 'the server', code: 'await startPostgres(); console.log("ready")', child: /postgres: walwriter/ },
]

for (const { name, code, child } of stages) {
  test(
    `killed with -9 during ${name}, nothing is left running, and the next start removes the folder`,
    onlyLinux,
    async () => {
      const folder = newFolder()
      const parent = inOtherProcess(code, { TMPDIR: folder })
      await until(
        () => processesOf(folder).some((line) => child.test(line)),
        60_000,
        () => `${name} never ran`,
      )
      parent.kill('SIGKILL')
      await once(parent, 'exit')
      await until(
        () => processesOf(folder).length === 0,
        ENDS_MS,
        () => `still there: ${processesOf(folder).join('\n')}`,
      )
      assert.equal(runsIn(folder).length, 1)
      await startElsewhere({ TMPDIR: folder })
      assert.deepEqual(runsIn(folder), [])
    },
  )
}

test('the folder of a server that is running is not removed by another start', async () => {
  const server = await startPostgres()
  try {
    await startElsewhere({})
    assert.deepEqual(await ask(server, 'select 1 as one'), [{ one: 1 }])
    await access(server.logFile)
  } finally {
    await server.stop()
  }
})

test('a copy that was killed half-way or lost a file is made again, once for all who start', onlyLinux, async () => {
  const cache = newFolder()
  const environment = { XDG_CACHE_HOME: cache }
  const kept = join(cache, 'sallyport')
  const copies = (): string[] => {
    try {
      return readdirSync(kept).filter((name) => name.startsWith('postgres-'))
    } catch {
      return []
    }
  }

  const killed = inOtherProcess('await startPostgres()', environment)
  await until(
    () => copies().length > 0,
    60_000,
    () => 'the copy never began',
  )
  killed.kill('SIGKILL')
  await once(killed, 'exit')
  assert.match(copies()[0] ?? '', /\.\w{6}$/, 'the killed copy must not lie in the place of a whole one')

  await Promise.all([startElsewhere(environment), startElsewhere(environment)])
  const [name = ''] = copies()
  assert.deepEqual(copies(), [name])
  assert.match(name, /-(x64|arm64)$/)

  const library = join(kept, name, 'bin/postgres')
  const whole = readFileSync(library).length
  truncateSync(library, whole / 2)
  rmSync(join(kept, name, 'share/postgresql/postgres.bki'))
  await Promise.all([startElsewhere(environment), startElsewhere(environment)])
  assert.equal(readFileSync(library).length, whole)
  assert.deepEqual(copies(), [name])
})
