/** The small parts of the front and the back: settings, routes, attempts, names, columns, words, and that nothing goes out unpermitted. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Bytes, fromUtf8, toUtf8 } from '#base'
import { createScrubber } from '#masking'
import { catalogue, type ErrorCode, type Permit, type Scrubber } from '#model'
import { mint } from '#model/mint'
import { CancelKeys } from './cancel-keys.ts'
import { encodeBackend } from './codec/index.ts'
import { categoryOf, labelsOf, resultColumns, unreadableColumn } from './columns.ts'
import { Names } from './names.ts'
import { Outbox } from './outbox.ts'
import {
  answerCode,
  answerRefusal,
  encodeAnswer,
  encodeNotice,
  errorFields,
  refusedStatement,
  scrubNotice,
  sqlstateOf,
} from './refuse.ts'
import { maskingNotice } from './results.ts'
import { findResource } from './routing.ts'
import { postgresBlock } from './settings.ts'
import { isAnswer, readParameters } from './startup-parameters.ts'
import { Cancellation } from './upstream/cancellation.ts'

test('settings: TLS may be off on loopback only, passwords are references', () => {
  const block = { host: 'db.internal', database: 'cards', user: 'sallyport', password: { from: 'vault:cards' } }
  assert.deepEqual(postgresBlock.parse(block), {
    ...block,
    ...{ port: 5432, tls: { mode: 'verify-full' }, searchPath: 'public', connectTimeoutSeconds: 5 },
  })
  assert.ok(postgresBlock.safeParse({ ...block, host: '127.0.0.1', tls: { mode: 'off' } }).success)
  assert.ok(!postgresBlock.safeParse({ ...block, tls: { mode: 'off' } }).success)
  assert.ok(!postgresBlock.safeParse({ ...block, password: 'literal' }).success)
  assert.ok(!postgresBlock.safeParse({ ...block, unknown: 1 }).success)
})

test('routes: host before user before database before the only one', () => {
  const resource = (name: string, database: string) => ({ resource: { name }, settings: { database } })
  const [cards, payments] = [resource('cards', 'app'), resource('payments', 'app')]
  const both = [cards, payments]
  const wish = { serverName: undefined, user: 'u', database: undefined }
  assert.equal(findResource(both, { ...wish, serverName: 'Payments.gw.example.com', user: 'u#cards' }), payments)
  assert.equal(findResource(both, { ...wish, serverName: 'gw.example.com', user: 'u#cards' }), cards)
  assert.equal(findResource(both, { ...wish, user: 'u#nothing', database: 'cards' }), undefined)
  assert.equal(findResource(both, { ...wish, database: 'payments' }), payments)
  assert.equal(findResource(both, { ...wish, database: 'app' }), undefined)
  assert.equal(findResource([cards], { ...wish, database: 'app' }), cards)
  assert.equal(findResource([cards], wish), cards)
  assert.equal(findResource(both, wish), undefined)
})

test('settings at connect: options are read as PostgreSQL reads them', () => {
  const read = (options: string) =>
    readParameters(
      new Map([
        ['user', 'u'],
        ['options', options],
      ]),
    )
  const good = read(String.raw`-c TimeZone=Europe/Berlin  --extra-float-digits=2 -c datestyle=ISO,\ MDY`)
  assert.ok(!isAnswer(good))
  assert.deepEqual(
    [...good.settings],
    [
      ['timezone', 'Europe/Berlin'],
      ['extra_float_digits', '2'],
      ['datestyle', 'ISO, MDY'],
    ],
  )
  for (const bad of ['-c', '-c x', 'geqo=off', '-B 5', '-c search_path=a', '--search-path=a', '-c timezone=$(x)']) {
    assert.ok(isAnswer(read(bad)), bad)
  }
  assert.ok(isAnswer(readParameters(new Map())))
})

test('cancel keys are unguessable, positive, and cancel only their session', () => {
  let count = 0
  const keys = new CancelKeys<{ cancel(): void }>((bytes) => new Uint8Array(bytes).fill(0xf0 + count++))
  let cancelled = 0
  const key = keys.issue(2)
  assert.ok(key.processId > 0)
  assert.equal(key.key.length, 32)
  keys.enter(key, { cancel: () => cancelled++ })
  keys.cancel({ ...key, processId: key.processId + 1 })
  keys.cancel({ ...key, key: key.key.slice(0, 4) })
  assert.equal(cancelled, 0)
  keys.cancel(key)
  assert.equal(cancelled, 1)
  keys.leave(key)
  keys.cancel(key)
  assert.equal(cancelled, 1)
})

test('names: an unanswered batch makes what it touches uncertain, until it is answered', () => {
  const names = new Names<string>((value) => value.length)
  const none = new Map<string, string | undefined>()
  names.confirm('s', 'old')
  assert.deepEqual(names.meaning('s', none), { kind: 'known', value: 'old' })
  const touched = new Map([['s', 'new']])
  assert.deepEqual(names.meaning('s', touched), { kind: 'known', value: 'new' })
  names.suspend(touched)
  names.suspend(touched)
  assert.deepEqual(names.meaning('s', none), { kind: 'uncertain' })
  names.resolve(touched)
  assert.deepEqual(names.meaning('s', none), { kind: 'uncertain' })
  names.resolve(touched)
  assert.deepEqual(names.meaning('s', none), { kind: 'known', value: 'old' })
  names.confirm('s', 'longer')
  assert.equal(names.weight, 6)
  names.confirm('s', undefined)
  assert.deepEqual([names.meaning('s', none), names.weight, names.size], [{ kind: 'none' }, 0, 0])
})

test('columns: what is not known to be harmless is text', () => {
  const kinds = [20, 1700, 701, 790, 791, 114, 3802, 23, 16, 1184, 2950, 1043, 17, 1007, 99_999].map(categoryOf)
  assert.deepEqual(kinds, [
    ...['numeric', 'numeric', 'numeric', 'money', 'money', 'json', 'json', 'other', 'other', 'other', 'other'],
    ...['text', 'text', 'text', 'text'],
  ])
})

test('columns: declared ones are found by origin and by label, the stricter class wins', () => {
  const declared = { schema: 'public', table: 'cards', column: 'PAN', class: 'pan' } as const
  const byLabel = labelsOf([
    declared,
    { ...declared, table: 'other', column: 'code' },
    { ...declared, column: 'Code', class: 'sad' },
  ])
  const column = { typeSize: -1, typeModifier: -1, format: 0, typeId: 25, attribute: 3 } as const
  const columns = [
    { ...column, name: 'x', tableId: 7 },
    { ...column, name: 'pan', tableId: 0 },
    { ...column, name: 'code', tableId: 0 },
    { ...column, name: 'y', tableId: 7, attribute: 4 },
  ]
  assert.deepEqual(
    resultColumns(columns, {
      byOrigin: new Map([['7.3', declared]]),
      byLabel,
      tables: new Set(),
      inherited: new Map(),
    }),
    [
      { name: 'public.cards.PAN', category: 'text', declared: 'pan' },
      { name: 'pan', category: 'text', declared: 'pan' },
      { name: 'code', category: 'text', declared: 'sad' },
      { name: 'y', category: 'text' },
    ],
  )
  const numbers = [{ ...column, name: 'n', tableId: 0, typeId: 23 }, ...columns]
  assert.equal(unreadableColumn(numbers, [1])?.name, 'n')
  assert.equal(unreadableColumn(numbers, [0, 1, 1, 1, 1]), undefined)
  assert.equal(unreadableColumn(numbers, []), undefined)
})

test('every code has an SQLSTATE, policy refuses connections in another class', () => {
  for (const code of Object.keys(catalogue) as ErrorCode[]) assert.match(sqlstateOf(code, 'statement'), /^[0-9A-Z]{5}$/)
  assert.equal(sqlstateOf('SP_POLICY_DENIED', 'connect'), '28000')
  assert.equal(sqlstateOf('SP_POLICY_DENIED', 'statement'), '42501')
  assert.equal(sqlstateOf('SP_BUSY', 'connect'), '53300')
  assert.equal(sqlstateOf('SP_BUSY', 'statement'), '53400')
})

const leave: Scrubber = { scrub: (bytes) => bytes, scrubText: (text) => text }
const card = '4111111111111111'

test('what we say ourselves is scrubbed, before it is cut', () => {
  const scrubber = createScrubber({})
  const answer = { sqlstate: '22000', message: `column "${card}"`, detail: `in ${card}`, hint: `not ${card}` }
  assert.doesNotMatch(fromUtf8(encodeAnswer(answer, scrubber)), /41111/)
  // Cut first, fifteen digits would be left.
  const long = { sqlstate: '22000', message: `${' '.repeat(142)}${card} and more` }
  assert.doesNotMatch(fromUtf8(encodeAnswer(long, scrubber)), /41111/)
  assert.doesNotMatch(fromUtf8(encodeNotice(`1 value masked in ${card}`, scrubber)), /41111/)
})

test('cancellations: one at a time, another only for what began meanwhile and still runs', async () => {
  const sent: (() => void)[] = []
  let running: object | undefined
  const cancellation = new Cancellation(
    () =>
      new Promise((resolve) => {
        sent.push(resolve)
      }),
    () => running,
  )
  const turn = (): Promise<unknown> => new Promise(setImmediate)
  cancellation.request()
  assert.equal(sent.length, 0, 'nothing runs')
  running = { batch: 1 }
  for (let count = 0; count < 100; count++) cancellation.request()
  assert.equal(sent.length, 1)
  const second = { batch: 2 }
  running = second
  for (let count = 0; count < 100; count++) cancellation.request()
  assert.equal(sent.length, 1)
  sent[0]?.()
  await turn()
  assert.equal(sent.length, 2)
  cancellation.request()
  running = { batch: 3 }
  cancellation.request()
  running = { batch: 4 }
  sent[1]?.()
  await turn()
  assert.equal(sent.length, 2, 'what it was asked for is over')
  cancellation.request()
  assert.equal(sent.length, 3)
})

test('the main line is short ASCII, the reference stays in it, and the whole is in the detail', () => {
  const refusal = { code: 'SP_POLICY_DENIED', message: `é ${'long '.repeat(60)}`, ref: '0007F3' } as const
  const fields = new Map(errorFields(answerRefusal(refusal, 'statement'), 'ERROR', leave))
  const line = fields.get('M') ?? ''
  assert.ok(line.length <= 160, line)
  assert.match(line, /^[ -~]+\.\.\. \[ref 0007F3\]$/)
  assert.equal((fields.get('D')?.length ?? 0) > 160, true)
  assert.equal(new Map(errorFields(answerCode('SP_BUSY'), 'FATAL', leave)).get('V'), 'FATAL')
})

test('errors of a server lose card data in every field that may quote some, and no byte of length', () => {
  const fields = 'SVCMDHPpqWstcdnFLR'.split('').map((letter) => [letter, '4111111111111111'] as const)
  const message = encodeBackend({ kind: 'error', fields })
  const scrubber = {
    scrub: (bytes: Bytes) => toUtf8(fromUtf8(bytes).replaceAll('411111111111', '************')),
    scrubText: (text: string) => text,
  }
  const scrubbed = scrubNotice(message, scrubber)
  assert.equal(scrubbed.length, message.length)
  const left = fromUtf8(scrubbed)
    .match(/.4111111111111111/g)
    ?.map(([letter]) => letter)
  assert.deepEqual(left, ['S', 'V', 'C', 'P', 'p', 'L'])
})

test('a stand-in holds nothing but a reference', () => {
  assert.equal(fromUtf8(refusedStatement('0007F3')), 'SELECT "sallyport refused 0007F3"')
  assert.equal(fromUtf8(refusedStatement('"; DROP')), 'SELECT "sallyport refused"')
  assert.equal(fromUtf8(refusedStatement(undefined)), 'SELECT "sallyport refused"')
})

test('a masking notice counts by column, and not too many', () => {
  const column = (name: string, masked: number) => ({ name, rule: 'detected-pan', seen: masked, masked })
  assert.equal(maskingNotice(undefined), undefined)
  assert.equal(maskingNotice({ ruleset: 'r', columns: [column('a', 0)] }), undefined)
  assert.equal(
    maskingNotice({ ruleset: 'r', columns: [column('a', 25), column('b', 1)] }),
    '25 values masked in a, 1 value masked in b',
  )
  const many = Array.from({ length: 20 }, (_, index) => column(`c${String(index)}`, 1))
  assert.match(maskingNotice({ ruleset: 'r', columns: many }) ?? '', /and in 12 more columns$/)
})

test('what carries a statement goes out with a minted permit for each operation, or not at all', () => {
  const written: string[] = []
  const outbox = new Outbox({ write: (bytes) => written.push(fromUtf8(bytes)) })
  const shape = { verb: 'SELECT', accesses: [], template: '', fingerprint: '' }
  const permit = mint({ shape, payload: toUtf8('{}') }, 1, 0)
  const forged = { operation: permit.operation, sequence: 1, admittedAtMonotonicMs: 0 } as unknown as Permit
  for (const permits of [[], [forged], [permit, forged]]) {
    assert.throws(() => {
      outbox.carry(permits, toUtf8('SELECT 1'))
    }, TypeError)
  }
  outbox.flush()
  assert.deepEqual(written, [])
  outbox.carry([permit], toUtf8('SELECT 1'))
  outbox.control({ kind: 'sync' })
  outbox.flush()
  outbox.flush()
  assert.deepEqual(written, ['SELECT 1S\0\0\0\u0004'])
})

test('an answer is an ErrorResponse', () => {
  assert.equal(encodeAnswer(answerCode('SP_BUSY'), leave)[0], 'E'.charCodeAt(0))
})
