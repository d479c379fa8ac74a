import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { Secret } from '#base'
import { type ControlStore, type EventEntry, GatewayError, type Person, type TrailOutlet } from '#model'
import { openStore } from '#storage'
import { createSealer } from './sealer.ts'
import { createVault, type Vault } from './vault.ts'

const dana: Person = {
  kind: 'person',
  id: 'usr_dana',
  issuer: 'https://idp.example',
  subject: 'dana',
  name: 'dana@example.com',
  groups: [],
  mfa: true,
}

interface Bench {
  readonly vault: Vault
  readonly store: ControlStore
  readonly file: string
  readonly events: EventEntry['event'][]
  readonly clock: { now: number }
  /** What happens when the trail is written to. */
  onRecord: () => Promise<void>
}

const withVault = async (body: (bench: Bench) => Promise<void>): Promise<void> => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sallyport-vault-'))
  const file = path.join(folder, 'control.db')
  const store = await openStore({ file })
  const events: EventEntry['event'][] = []
  const clock = { now: 1_000_000 }
  const trail: TrailOutlet = {
    record: async (entries) => {
      await bench.onRecord()
      for (const entry of entries) if (entry.kind === 'event') events.push(entry.event)
      return entries.map((_, sequence) => ({ sequence }))
    },
    conclude: () => undefined,
  }
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const vault = createVault({
    store: store.secrets,
    sealer: createSealer(new Secret(new Uint8Array(32).fill(7))),
    clock: { nowMs: () => clock.now + 0.25, monotonicMs: () => clock.now },
    trail,
    log,
  })
  const bench: Bench = { vault, store, file, events, clock, onRecord: async () => {} }
  try {
    await body(bench)
  } finally {
    await store.close()
    rmSync(folder, { recursive: true })
  }
}

const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof GatewayError && error.code === code

test('a secret that was set is revealed, and a rotation is seen at once', async () => {
  await withVault(async ({ vault }) => {
    await vault.set('cards-db', new Secret('pä55word'), dana)
    assert.equal((await vault.reveal('cards-db')).expose(), 'pä55word')
    await vault.rotate('cards-db', new Secret('next'), dana)
    assert.equal((await vault.reveal('cards-db')).expose(), 'next')
    await assert.rejects(vault.reveal('other'), hasCode('SP_VAULT_SECRET_MISSING'))
    await assert.rejects(vault.rotate('other', new Secret('x'), dana), hasCode('SP_VAULT_SECRET_MISSING'))
  })
})

test('each change is on record before it takes effect, with who and which version', async () => {
  await withVault(async (bench) => {
    const seen: (number | undefined)[] = []
    bench.onRecord = async () => {
      seen.push((await bench.store.secrets.find('cards-db'))?.version)
    }
    await bench.vault.set('cards-db', new Secret('a'), dana)
    await bench.vault.set('cards-db', new Secret('b'), dana)
    await bench.vault.rotate('cards-db', new Secret('c'), dana)
    assert.deepEqual(seen, [undefined, 1, 2])
    const entity = { type: 'secret', uid: 'cards-db', name: 'cards-db' }
    assert.deepEqual(
      bench.events.map(({ class: kind, activity, actor, status, details }) => [
        kind,
        activity,
        actor?.id,
        status,
        details,
      ]),
      [
        ['entity-management', 'create', 'usr_dana', 'success', { entity: { ...entity, version: '1' } }],
        ['entity-management', 'rotate', 'usr_dana', 'success', { entity: { ...entity, version: '2' } }],
        ['entity-management', 'rotate', 'usr_dana', 'success', { entity: { ...entity, version: '3' } }],
      ],
    )
  })
})

test('what cannot be recorded does not happen, and the vault goes on afterwards', async () => {
  await withVault(async (bench) => {
    await bench.vault.set('cards-db', new Secret('a'), dana)
    bench.onRecord = async () => await Promise.reject(new GatewayError('SP_TRAIL_UNAVAILABLE'))
    await assert.rejects(bench.vault.rotate('cards-db', new Secret('b'), dana), hasCode('SP_TRAIL_UNAVAILABLE'))
    await assert.rejects(bench.vault.set('new', new Secret('b'), dana), hasCode('SP_TRAIL_UNAVAILABLE'))
    assert.equal((await bench.vault.reveal('cards-db')).expose(), 'a')
    bench.onRecord = async () => {}
    await bench.vault.rotate('cards-db', new Secret('c'), dana)
    assert.deepEqual(
      (await bench.vault.list()).map(({ name, version }) => [name, version]),
      [['cards-db', 2]],
    )
  })
})

test('a change that another process overtook is refused and recorded as failed', async () => {
  await withVault(async (bench) => {
    await bench.vault.set('cards-db', new Secret('a'), dana)
    bench.onRecord = async () => {
      bench.onRecord = async () => {}
      await bench.store.secrets.replace('cards-db', 1, new Uint8Array(40), 5)
    }
    await assert.rejects(bench.vault.set('cards-db', new Secret('b'), dana), hasCode('SP_BUSY'))
    assert.deepEqual(
      bench.events.slice(-2).map(({ status, code }) => [status, code]),
      [
        ['success', undefined],
        ['failure', 'SP_BUSY'],
      ],
    )
  })
})

test('a change that the store does not take is recorded as failed', async () => {
  await withVault(async (bench) => {
    await bench.vault.set('cards-db', new Secret('a'), dana)
    bench.onRecord = async () => {
      bench.onRecord = async () => {}
      const full = new DatabaseSync(bench.file)
      full.exec(
        "create trigger full before update on secrets begin select raise(fail, 'database or disk is full'); end",
      )
      full.close()
    }
    await assert.rejects(bench.vault.rotate('cards-db', new Secret('b'), dana), /disk is full/)
    assert.deepEqual(
      bench.events.slice(-2).map(({ status, code, details }) => [status, code, details]),
      [
        ['success', undefined, bench.events.at(-1)?.details],
        ['failure', 'SP_API_UNAVAILABLE', bench.events.at(-2)?.details],
      ],
    )
    assert.equal((await bench.vault.reveal('cards-db')).expose(), 'a')
  })
})

test('two changes at once happen one after the other', async () => {
  await withVault(async ({ vault, events }) => {
    await Promise.all(['a', 'b', 'c'].map((value) => vault.set('cards-db', new Secret(value), dana)))
    assert.deepEqual(
      events.map(({ details }) => details?.['entity']).map((entity) => (entity as { version: string }).version),
      ['1', '2', '3'],
    )
    assert.equal((await vault.reveal('cards-db')).expose(), 'c')
  })
})

test('age and last use are listed; uses are noted once a minute', async () => {
  await withVault(async ({ vault, clock }) => {
    await vault.set('cards-db', new Secret('a'), dana)
    for (const now of [1_010_000, 1_040_000, 1_069_999, 1_070_000]) {
      clock.now = now
      await vault.reveal('cards-db')
      const [facts] = await vault.list()
      assert.equal(facts?.lastUsedAtMs, now === 1_070_000 ? now : 1_010_000)
    }
    clock.now = 1_080_000
    await vault.rotate('cards-db', new Secret('b'), dana)
    assert.deepEqual(await vault.list(), [
      { name: 'cards-db', version: 2, createdAtMs: 1_000_000, rotatedAtMs: 1_080_000, lastUsedAtMs: 1_070_000 },
    ])
  })
})

test('names and values are bounded', async () => {
  await withVault(async ({ vault, events }) => {
    for (const name of ['', '-a', 'A', 'a b', 'a/b', 'ä', 'a'.repeat(64)])
      await assert.rejects(vault.set(name, new Secret('x'), dana), hasCode('SP_API_INVALID'), name)
    for (const value of ['', 'x'.repeat(8193), 'ä'.repeat(4097), '\ud800'])
      await assert.rejects(vault.set('ok', new Secret(value), dana), hasCode('SP_API_INVALID'))
    assert.deepEqual(events, [])
    await vault.set('a'.repeat(63), new Secret('x'.repeat(8192)), dana)
  })
})

test('neither the file nor a listing nor a record holds the value', async () => {
  await withVault(async ({ vault, file, events }) => {
    const value = 'corr3ct-horse-battery'
    await vault.set('cards-db', new Secret(value), dana)
    const shown = await vault.reveal('cards-db')
    for (const text of [
      inspect(shown),
      JSON.stringify(shown),
      String(shown),
      JSON.stringify(events),
      JSON.stringify(await vault.list()),
    ])
      assert.equal(text.includes(value), false)
    for (const suffix of ['', '-wal']) assert.equal(readFileSync(file + suffix).includes(value), false)
  })
})

test('a sealed secret put in the place of another does not open', async () => {
  await withVault(async ({ vault, store }) => {
    await vault.set('reader', new Secret('a'), dana)
    await vault.set('admin', new Secret('b'), dana)
    const admin = await store.secrets.find('admin')
    await store.secrets.replace('reader', 1, admin?.sealed ?? new Uint8Array(), 1)
    await assert.rejects(vault.reveal('reader'), hasCode('SP_VAULT_SEAL_BROKEN'))
  })
})
