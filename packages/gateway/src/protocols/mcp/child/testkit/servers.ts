/** Tool servers for tests: real children, under the isolation that is asked for. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Secret } from '#base'
import type { DoorFacts, EventEntry, IntentEntry, Log, PrivateDoors } from '#model'
import { processClock } from '../../../../../testkit/gate.ts'
import type { ToolServers } from '../../server-port.ts'
import { probeIsolation } from '../isolation/probe.ts'
import type { Isolation, IsolationKind } from '../isolation/sandbox.ts'
import { unisolated } from '../isolation/unisolated.ts'
import { createToolServers, type SupervisorOptions } from '../supervisor.ts'

/** Servers with what they were seen to do. */
export interface TestServers extends AsyncDisposable {
  readonly servers: ToolServers
  readonly isolation: Isolation
  readonly runFolder: string
  /** Lines of the log. */
  readonly lines: string[]
  readonly records: (IntentEntry | EventEntry)[]
  readonly doors: DoorFacts[]
}

/** Makes servers; undefined, with why, where this kind of isolation cannot be had. */
export async function startServers(
  kind: IsolationKind | undefined,
  more: Partial<SupervisorOptions> = {},
): Promise<TestServers | string> {
  const runFolder = await mkdtemp(join(tmpdir(), 'spt-'))
  const probed = await probeIsolation({ folder: runFolder, ...(kind === undefined ? {} : { kinds: [kind] }) })
  const { isolation } = probed
  if (isolation === undefined) {
    await rm(runFolder, { recursive: true, force: true })
    return probed.tried.join('; ')
  }
  const lines: string[] = []
  const note = (level: string) => (event: string, facts?: object) => {
    lines.push(`${level} ${event} ${JSON.stringify(facts ?? {})}`)
  }
  const log: Log = { info: note('info'), warn: note('warn'), error: note('error') }
  const records: (IntentEntry | EventEntry)[] = []
  const doors: DoorFacts[] = []
  let ids = 0
  const servers = createToolServers({
    isolation: probed,
    unisolated: unisolated(),
    doors: fakeDoors(doors),
    secrets: { reveal: (from) => Promise.resolve(new Secret(`secret of ${from}`)) },
    trail: {
      record: (entries) => Promise.resolve(entries.map((entry) => ({ sequence: records.push(entry) - 1 }))),
      conclude: () => undefined,
    },
    clock: processClock,
    log,
    ids: { next: () => `child-${++ids}` },
    configFolder: '/',
    runFolder,
    privatePaths: [],
    version: '0',
    ...more,
  })
  return {
    servers,
    isolation,
    runFolder,
    lines,
    records,
    doors,
    [Symbol.asyncDispose]: async () => {
      await servers.close()
      await rm(runFolder, { recursive: true, force: true })
    },
  }
}

/** Makes servers under the isolation that works here; under none where none does, for what does not depend on it. */
export async function startAnyServers(more: Partial<SupervisorOptions> = {}): Promise<TestServers> {
  const isolated = await startServers(undefined, more)
  const servers = typeof isolated === 'string' ? await startServers('none', more) : isolated
  if (typeof servers === 'string') throw new Error(servers)
  return servers
}

/** Doors to nowhere, for children that need none. */
function fakeDoors(opened: DoorFacts[]): PrivateDoors {
  return {
    open: (facts) => {
      opened.push(facts)
      return Promise.resolve({
        address: facts.folder === undefined ? { port: 1 } : { socketPath: join(facts.folder, 'none.sock') },
        user: 'child',
        database: facts.database,
        token: new Secret('token-of-the-child'),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      })
    },
  }
}
