/**
 * What a hostile child can do: nothing to us, to others, to the machine. Each kind of isolation is tried as it is used; one that this machine does
 * not offer is not run, and says so.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { IsolationKind } from './isolation/sandbox.ts'
import { callTool, testCaller, testServer } from '../../../../testkit/tool-server.ts'
import { startServers, type TestServers } from './testkit/servers.ts'

const INSTALL = 'apt-get install bubblewrap util-linux iproute2, and user namespaces allowed, offers it'

/** A private folder as a gateway has one, and a port that stands for its own and for the database's. */
let data: string
let listener: Server
let port: number

before(async () => {
  data = await mkdtemp(join(tmpdir(), 'spd-'))
  await writeFile(join(data, 'master.key'), 'the key', { mode: 0o600 })
  listener = createServer((socket) => socket.destroy())
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  ;({ port } = listener.address() as AddressInfo)
})

after(async () => {
  listener.close()
  await rm(data, { recursive: true, force: true })
})

/** Processes whose command line holds a word. */
function processesNamed(word: string): number {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && commandLine(pid).includes(word)).length
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

/** How soon is printed; a machine that does much else takes its time to start and to end processes. */
const SETTLED_MS = 15_000

async function within(ms: number, holds: () => boolean): Promise<boolean> {
  const deadline = performance.now() + ms
  while (performance.now() < deadline) {
    if (holds()) return true
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return holds()
}

const kinds: readonly IsolationKind[] = ['bubblewrap', 'unshare', 'uid']
for (const kind of kinds) {
  describe(`isolation: ${kind}`, { timeout: 120_000 }, () => {
    let all: TestServers
    let reason: string | undefined
    before(async () => {
      const started = await startServers(kind)
      if (typeof started === 'string') reason = `not run: ${started}; ${INSTALL}`
      else all = started
    })
    after(() => (reason === undefined ? all[Symbol.asyncDispose]() : undefined))

    /** A test of what the kind holds; those of namespaces are not for a uid, whose network is open and says so. */
    const holds = (name: string, run: (context: TestContext) => Promise<void>): void => {
      test(name, async (context) => {
        if (reason !== undefined) {
          context.skip(reason)
          return
        }
        context.diagnostic(`isolation in use: ${all.isolation.words}`)
        await run(context)
      })
    }
    const hasNamespaces = kind !== 'uid'
    const saysOpen = (name: string): void => {
      test(name, (context) => {
        if (reason === undefined) assert.match(all.isolation.words, /network: not isolated/)
        context.skip(reason ?? `not run: ${all.isolation.words}`)
      })
    }

    holds(
      'no file of ours can be read: data, keys, other folders of children, the home of whoever runs us',
      async () => {
        const child = await all.servers.take(testCaller('reader'), testServer())
        const paths = [join(data, 'master.key'), '/root/.bashrc', '/etc/shadow', '/proc/kcore']
        for (const path of [...paths, `/proc/${String(process.pid)}/environ`]) {
          assert.match(String(await callTool(child, 'read', { path })), /^refused/, path)
        }
        for (const path of [data, '/root', all.runFolder, join(all.runFolder, 'c1')]) {
          assert.match(String(await callTool(child, 'list', { path })), /^refused/, path)
        }
      },
    )

    holds('nothing can be written but its own temporary files, and of those only so much', async () => {
      const child = await all.servers.take(testCaller('writer'), testServer())
      const folders = hasNamespaces ? ['/', '/dev', '/etc', '/run', '/usr', '/proc/sys/kernel'] : ['/', '/etc', '/usr']
      for (const folder of [...folders, import.meta.dirname]) {
        assert.match(String(await callTool(child, 'write', { path: join(folder, 'hostname') })), /^refused/, folder)
      }
      const core = '/proc/sys/kernel/core_pattern'
      assert.match(String(await callTool(child, 'write', { path: core })), /^refused/)
      const { HOME: home } = (await callTool(child, 'environment')) as { readonly HOME: string }
      assert.equal(await callTool(child, 'write', { path: `${home}/own`, bytes: 1000 }), 'written')
      if (!hasNamespaces) return
      assert.match(String(await callTool(child, 'write', { path: '/tmp/much', bytes: 80_000_000 })), /ENOSPC/)
      assert.match(String(await callTool(child, 'write', { path: '/dev/shm/much', bytes: 80_000_000 })), /ENOSPC/)
    })

    holds('it has no capability, can gain none, and can make no namespace of its own', async () => {
      const child = await all.servers.take(testCaller('climber'), testServer())
      const status = (await callTool(child, 'status')) as readonly string[]
      const capabilities = status.filter((line) => /^Cap(?:Inh|Prm|Eff|Amb)/.test(line))
      assert.equal(capabilities.length, 4)
      assert.ok(
        capabilities.every((line) => /:\s0+$/.test(line)),
        status.join(', '),
      )
      assert.ok(status.includes('NoNewPrivs:\t1'))
      if (hasNamespaces) assert.match(String(await callTool(child, 'namespace')), /^refused/)
    })

    holds('another child is not seen, and its environment not read', async () => {
      const secret = 'other-childs-secret'
      await all.servers.take(testCaller('victim'), testServer({ environment: { SECRET: secret } }))
      const child = await all.servers.take(testCaller('spy'), testServer())
      const pids = ((await callTool(child, 'list', { path: '/proc' })) as readonly string[]).filter((name) =>
        /^\d+$/.test(name),
      )
      if (hasNamespaces) assert.ok(pids.length <= 6, `sees ${pids.join(' ')}`)
      for (const pid of pids) {
        const environment = String(await callTool(child, 'read', { path: `/proc/${pid}/environ` }))
        assert.ok(!environment.includes(secret))
      }
    })

    const holdsNetwork = hasNamespaces ? holds : saysOpen
    holdsNetwork('the database, our own port, the internet cannot be reached', async () => {
      const child = await all.servers.take(testCaller('caller'), testServer())
      const places = [
        { host: '127.0.0.1', port },
        { host: '::1', port },
        { host: '192.0.2.1', port: 443 },
        { host: '2001:db8::1', port: 443 },
        { path: '/var/run/docker.sock' },
        { path: '\0sallyport-test' },
      ]
      for (const place of places) {
        assert.match(String(await callTool(child, 'reach', place)), /^refused/, JSON.stringify(place))
      }
    })

    holds(
      'a flood on its standard output, memory and processes without end: it is killed, and what it forked with it',
      async () => {
        const floods: readonly [string, Readonly<Record<string, unknown>>, string][] = [
          ['flood', { bytes: 2 ** 30 }, 'SP_MASK_TOO_LARGE'],
          ['eat', { bytes: 2 ** 30 }, 'SP_TOOL_SERVER_FAILED'],
          ['fork', { bytes: 200 }, 'SP_TOOL_SERVER_FAILED'],
        ]
        for (const [tool, args, code] of floods) {
          const before = process.memoryUsage().rss
          const child = await all.servers.take(testCaller(`hostile ${tool}`), testServer({}, { memoryMb: 256 }))
          // Another run of this test may be under way.
          const name = `daemon-${tool}-${kind}-${String(process.pid)}`
          await callTool(child, 'daemon', { text: name })
          await assert.rejects(callTool(child, tool, args), { code }, tool)
          assert.ok(await within(5_000, () => processesNamed(name) === 0), tool)
          assert.ok(process.memoryUsage().rss - before < 100_000_000, 'the flood is not kept')
        }
      },
    )

    holds('it does not outlive a gateway that is killed, nor does anything that it forked', async (context) => {
      const name = `daemon-outlives-${kind}-${String(process.pid)}`
      const script = fileURLToPath(new URL('./testkit/doomed-gateway.ts', import.meta.url))
      const gateway = spawn(process.execPath, [...process.execArgv, script, kind, name], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const [line] = (await Promise.race([once(gateway.stdout, 'data'), once(gateway, 'exit')])) as [Buffer | number]
      const runFolder = line.toString().trim().split(' ')[1] ?? ''
      assert.ok(await within(SETTLED_MS, () => processesNamed(name) > 0), 'the daemon runs')
      gateway.kill('SIGKILL')
      await once(gateway, 'exit')
      const began = performance.now()
      assert.ok(await within(SETTLED_MS, () => processesNamed(name) === 0), 'it is gone')
      context.diagnostic(`gone after ${(performance.now() - began).toFixed(0)} ms`)
      // The next gateway would remove them.
      const open = join(tmpdir(), `sallyport-uids-${String(gateway.pid)}`)
      for (const left of [runFolder, open]) await rm(left, { recursive: true, force: true })
    })

    holds('code in a folder that only its owner can enter works', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'spc-'))
      const script = fileURLToPath(new URL('../../../../testkit/tool-server/server-script.ts', import.meta.url))
      await writeFile(join(folder, 'server-script.ts'), readFileSync(script), { mode: 0o600 })
      await chmod(folder, 0o700)
      try {
        const child = await all.servers.take(testCaller('private'), testServer({ code: [folder] }))
        assert.equal(await callTool(child, 'echo', { text: 'works' }), 'works')
      } finally {
        await rm(folder, { recursive: true })
      }
    })
  })
}

/** Set for the run of this file by somebody else. */
const isSecondRun = process.argv.includes('as-nobody')

test('all of it as a normal user', { timeout: 240_000 }, (context) => {
  if (isSecondRun || process.getuid?.() !== 0) {
    context.skip('this is a normal user')
    return
  }
  const file = fileURLToPath(import.meta.url)
  const user = { uid: 65_534, gid: 65_534 }
  if (spawnSync(process.execPath, [...process.execArgv, '--check', file], { ...user, cwd: '/' }).status !== 0) {
    context.skip('not run: nobody cannot read this checkout')
    return
  }
  const run = spawnSync(
    process.execPath,
    ['--conditions=@sallyport/source', '--test-reporter=tap', file, 'as-nobody'],
    {
      ...user,
      cwd: '/',
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin' },
    },
  )
  assert.equal(run.status, 0, run.stdout)
  context.diagnostic(run.stdout.match(/isolation in use: .*/g)?.join('; ') ?? 'none')
})
