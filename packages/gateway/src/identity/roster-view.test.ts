/** Who is meant by a name that people chose for themselves. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import type { ControlStore, RosterEntry } from '#model'
import { openStore } from '#storage'
import { RosterView } from './roster-view.ts'

let folder: string
let store: ControlStore
let view: RosterView

const person = (id: string, facts: Pick<RosterEntry, 'name' | 'email'>): RosterEntry => ({
  id,
  kind: 'person',
  issuer: 'https://idp',
  subject: id,
  groups: [],
  firstSeenMs: 1,
  lastSeenMs: 1,
  ...facts,
})

before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'sallyport-roster-'))
  store = await openStore({ file: path.join(folder, 'control.db') })
  view = new RosterView(store.identity, { nowMs: () => 1, monotonicMs: () => 1 }, { agentOf: async () => undefined })
  const { roster } = store.identity
  await roster.put(person('usr_alice', { name: 'Alice', email: 'alice@example.com' }))
  await roster.put(person('usr_ben', { name: 'Ben', email: 'ben@example.com' }))
  await roster.put(person('usr_other', { name: 'ben', email: 'other@example.com' }))
  // Many identity providers let people choose what they are called.
  await roster.put(person('usr_mallory', { name: 'alice@example.com', email: 'mallory@example.com' }))
  await roster.put(person('usr_mallory2', { name: 'usr_alice', email: 'mallory2@example.com' }))
})

after(async () => {
  await store.close()
  rmSync(folder, { recursive: true })
})

test('an id is that person, an e-mail address whose it is, before anybody who is merely called so', async () => {
  assert.equal(await view.find('usr_alice'), 'usr_alice')
  assert.equal(await view.find('Alice@example.com'), 'usr_alice')
  assert.equal(await view.find('alice'), 'usr_alice')
  assert.equal(await view.find('ben'), undefined)
  assert.equal(await view.find('nobody'), undefined)
})

test('names of as many as a page can show', async () => {
  const ids = Array.from({ length: 1200 }, (_, index) => `usr_${String(index)}`)
  assert.deepEqual(await view.names([...ids, 'usr_ben', 'usr_alice']), {
    usr_alice: 'alice@example.com',
    usr_ben: 'ben@example.com',
  })
})
