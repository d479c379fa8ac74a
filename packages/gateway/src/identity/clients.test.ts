/** How many applications may be registered, and what is remembered of those that are forgotten. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Bytes, Secret } from '#base'
import type { ArtefactStore, EventEntry, StoredArtefact } from '#model'
import { createSealer } from '#vault'
import { Clients } from './clients.ts'
import { openOwnKeys } from './own-keys.ts'
import { Recorder } from './recorder.ts'

const registration = {
  name: 'Agent',
  redirectUris: ['http://127.0.0.1/callback'],
  applicationType: 'native',
  grantTypes: ['authorization_code'],
} as const

const start = async (
  registered = 0,
): Promise<{ clients: Clients; events: EventEntry['event'][]; clock: { now: number }; finds: () => number }> => {
  const rows = new Map<string, StoredArtefact>()
  const keys = new Map<string, Bytes>()
  const events: EventEntry['event'][] = []
  const clock = { now: 1000 }
  let finds = 0
  const store: Partial<ArtefactStore> = {
    put: async (artefact) => {
      rows.set(artefact.digest, artefact)
    },
    find: async (_model, digest) => {
      finds += 1
      return rows.get(digest)
    },
    count: async () => registered + rows.size,
  }
  const ports = { nowMs: () => clock.now, monotonicMs: () => clock.now }
  const sealer = createSealer(new Secret(new Uint8Array(32).fill(3)))
  const keyStore = {
    find: async (name: string) => keys.get(name),
    create: async (name: string, sealed: Bytes) => {
      keys.set(name, sealed)
      return sealed
    },
  }
  const { digests } = await openOwnKeys(keyStore, sealer, 0)
  const trail = {
    record: async (entries: readonly { readonly kind: string }[]) => {
      events.push(...entries.map((entry) => (entry as EventEntry).event))
      return []
    },
    conclude: () => undefined,
  }
  const recorder = new Recorder(trail, ports)
  const clients = new Clients({ store: store as ArtefactStore, digests, sealer, recorder, clock: ports })
  return { clients, events, clock, finds: () => finds }
}

test('beyond ten thousand nobody registers, and nothing of it is recorded', async () => {
  const { clients, events } = await start(9999)
  assert.match((await clients.register(registration, undefined))?.clientId ?? '', /^cli_[a-p]{32}$/)
  assert.equal(await clients.register(registration, undefined), undefined)
  assert.equal(events.length, 1)
})

test('an agent stays one when its registration is forgotten or never was', async () => {
  const { clients, clock } = await start()
  const client = await clients.register(registration, undefined)
  const id = client?.clientId ?? ''
  assert.deepEqual(await clients.agentOf('sallyport-cli'), undefined)
  clock.now += 25 * 3_600_000
  assert.equal(await clients.find(id), undefined)
  assert.deepEqual(await clients.agentOf(id), { id, name: id })
  assert.deepEqual(await clients.agentOf('somebody'), { id: 'somebody', name: 'somebody' })
})

test('whose agent is asked for again is not looked up again', async () => {
  const { clients, finds } = await start()
  const id = (await clients.register(registration, undefined))?.clientId ?? ''
  for (let count = 0; count < 5; count++) assert.deepEqual(await clients.agentOf(id), { id, name: 'Agent' })
  assert.equal(finds(), 1)
})
