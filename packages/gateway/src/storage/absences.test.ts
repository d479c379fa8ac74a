import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Absences } from './absences.ts'

/** A table with one row, and how often it was read. */
function table(): { read(): Promise<string | undefined>; write(): Promise<void>; reads: number } {
  let row: string | undefined
  return {
    reads: 0,
    read() {
      this.reads++
      return Promise.resolve(row)
    },
    write() {
      row = 'revoked'
      return Promise.resolve()
    },
  }
}

test('what is not there is asked for once, what is there each time', async () => {
  const absences = new Absences()
  const it = table()
  assert.equal(await absences.find('a', () => it.read()), undefined)
  assert.equal(await absences.find('a', () => it.read()), undefined)
  assert.equal(await absences.find('b', () => it.read()), undefined)
  assert.equal(it.reads, 2)
  await absences.change(() => it.write())
  assert.equal(await absences.find('a', () => it.read()), 'revoked')
  assert.equal(await absences.find('a', () => it.read()), 'revoked')
  assert.equal(it.reads, 4)
})

test('from when it is written nobody is told that it is not there, though whoever writes is not told yet', async () => {
  const absences = new Absences()
  const it = table()
  await absences.find('a', () => it.read())
  await absences.change(async () => {
    await it.write()
    assert.equal(await absences.find('a', () => it.read()), 'revoked')
  })
})

test('an answer from before a change that comes after it is not remembered', async () => {
  const absences = new Absences()
  const it = table()
  const late = Promise.withResolvers<undefined>()
  const finding = absences.find('a', () => late.promise)
  await absences.change(() => it.write())
  late.resolve(undefined)
  assert.equal(await finding, undefined)
  assert.equal(await absences.find('a', () => it.read()), 'revoked')
})

test('an answer from before the writing, asked for meanwhile, is forgotten with it', async () => {
  const absences = new Absences()
  const it = table()
  await absences.change(async () => {
    assert.equal(await absences.find('a', () => it.read()), undefined)
    await it.write()
  })
  assert.equal(await absences.find('a', () => it.read()), 'revoked')
})

test('a change that failed may have been one', async () => {
  const absences = new Absences()
  const it = table()
  const failing = absences.change(async () => {
    await absences.find('a', () => it.read())
    await it.write()
    throw new Error('disk I/O error')
  })
  await assert.rejects(failing, /disk I\/O error/)
  assert.equal(await absences.find('a', () => it.read()), 'revoked')
})
