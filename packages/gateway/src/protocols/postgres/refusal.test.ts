/**
 * A refusal has exactly a failure's effect: each script is run against the database itself, with a statement that fails, and through the
 * boundary, with one that is refused; what the client hears (status bytes included) and what is in the database afterwards is the same.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { fromUtf8, toUtf8 } from '#base'
import type { Operation } from '#model'
import { startPostgres, type TestPostgres } from '../../../testkit/postgres.ts'
import type { BindMessage, FrontendMessage } from './codec/index.ts'
import { endSharedClassifier, startBoundary, type TestBoundary } from './testkit/boundary.ts'
import { outline, WireClient } from './testkit/wire.ts'

let database: TestPostgres
let boundary: TestBoundary

before(async () => {
  database = await startPostgres({ sql: 'CREATE TABLE kept (n int); CREATE TABLE log (n int)' })
  boundary = await startBoundary(database, { gate: { permits } })
})

after(async () => {
  await boundary[Symbol.asyncDispose]()
  await endSharedClassifier()
  await database.stop()
})

/** DROP is refused, and so is a statement with the parameter `no number`. */
function permits({ shape, payload }: Operation): true | 'SP_POLICY_DENIED' | 'SP_OPERATION_INCOMPLETE' {
  if (shape.incomplete !== undefined) return 'SP_OPERATION_INCOMPLETE'
  return shape.verb.startsWith('DROP') || fromUtf8(payload).includes('no number') ? 'SP_POLICY_DENIED' : true
}

/** One exchange: messages in one write, and how many ReadyForQuery answer them. */
interface Exchange {
  readonly messages: readonly FrontendMessage[]
  readonly readies: number
}

function query(text: string): Exchange {
  return { messages: [{ kind: 'query', text: toUtf8(text) }], readies: 1 }
}

function parse(text: string, name = ''): FrontendMessage {
  return { kind: 'parse', name, text: toUtf8(text), parameterTypes: [] }
}

function bind(parameters: readonly string[] = [], statement = '', portal = ''): BindMessage {
  const values = parameters.map((text) => toUtf8(text))
  return { kind: 'bind', portal, statement, parameterFormats: [], parameters: values, resultFormats: [] }
}

const execute: FrontendMessage = { kind: 'execute', portal: '', maxRows: 0 }
const sync: FrontendMessage = { kind: 'sync' }

function run(text: string, parameters: readonly string[] = []): readonly FrontendMessage[] {
  return [parse(text), bind(parameters), { kind: 'describe', target: 'portal', name: '' }, execute]
}

function pipeline(...messages: readonly FrontendMessage[]): Exchange {
  return { messages, readies: messages.filter(({ kind }) => kind === 'sync').length }
}

/** `X` stands for the statement that fails or is refused. */
const X = 'DROP TABLE kept'
const FAILING = 'SELECT missing FROM kept'

const insert = (n: number): string => `INSERT INTO log VALUES (${String(n)})`

const scripts: readonly (readonly [name: string, exchanges: readonly Exchange[]])[] = [
  ['alone', [query(X), query(insert(1)), query(X)]],
  ['in a transaction', [query('BEGIN'), query(insert(1)), query(X), query(insert(2)), query(X), query('COMMIT')]],
  ['in a transaction, rolled back', [query('BEGIN'), query(insert(1)), query(X), query('ROLLBACK'), query(insert(2))]],
  [
    'behind a savepoint',
    [
      ...[query('BEGIN'), query(insert(1)), query('SAVEPOINT s'), query(insert(2)), query(X)],
      ...[query('ROLLBACK TO s'), query(insert(3)), query('COMMIT')],
    ],
  ],
  ['first in a string', [query(`${X}; ${insert(1)}`), query(insert(2))]],
  ['in the middle of a string', [query(`${insert(1)}; ${X}; ${insert(2)}`)]],
  ['last in a string, behind a comment', [query(`${insert(1)} -- ;\n; /* ; */ ${X}`)]],
  ['behind a commit in a string', [query(`BEGIN; ${insert(1)}; COMMIT; ${insert(2)}; ${X}; ${insert(3)}`)]],
  [
    'in a string that opens a transaction',
    [query(`BEGIN; ${insert(1)}; ${X}; COMMIT`), query(insert(2)), query('COMMIT')],
  ],
  [
    'behind a statement that fails itself',
    [query(`SELECT 1/0; ${X}`), query(`${insert(1)}; SELECT 1/0; ${X}; ${insert(2)}`)],
  ],
  [
    'in a string of a failed transaction',
    [query('BEGIN'), query(X), query(`${insert(1)}; ${X}`), query('ROLLBACK; ' + insert(2))],
  ],
  ['a syntax error, alone', [query('SELEC 1'), query(`${insert(1)}; SELEC 1`)]],
  [
    'a syntax error in a transaction',
    [query('BEGIN'), query(insert(1)), query('SELEC 1'), query('SELEC 2'), query('COMMIT')],
  ],
  ['alone in a pipeline', [pipeline(...run(X), sync), query(insert(1))]],
  ['in the middle of a pipeline', [pipeline(...run(insert(1)), ...run(X), ...run(insert(2)), sync), query(insert(3))]],
  ['in a pipeline with several syncs', [pipeline(...run(insert(1)), sync, ...run(X), sync, ...run(insert(2)), sync)]],
  [
    'in a pipeline inside a transaction',
    [query('BEGIN'), pipeline(...run(insert(1)), sync, ...run(X), sync), query('COMMIT')],
  ],
  [
    'in a pipeline that opens a transaction',
    [
      pipeline(...run('BEGIN'), ...run(insert(1)), ...run(X), ...run('COMMIT'), sync),
      query(insert(2)),
      query('ROLLBACK'),
    ],
  ],
  [
    'in a failed transaction',
    [query('BEGIN'), query(X), pipeline(...run(X), sync), pipeline(...run(insert(1)), sync), query('COMMIT')],
  ],
  ['a named Parse', [pipeline(parse(X, 's'), sync), pipeline(bind([], 's'), execute, sync)]],
  [
    'an unnamed Parse, which forgets the one before',
    [pipeline(parse('SELECT 7'), sync), pipeline(parse(X), sync), pipeline(bind(), execute, sync)],
  ],
  [
    'a Bind, which does not forget the unnamed statement',
    [
      pipeline(parse('INSERT INTO log VALUES ($1::int)'), sync),
      pipeline(bind(['no number']), execute, sync),
      pipeline(bind(['5']), execute, sync),
    ],
  ],
  [
    'a Bind in the middle of a batch of Binds',
    [
      pipeline(parse('INSERT INTO log VALUES ($1::int)', 's'), sync),
      pipeline(...[['1'], ['no number'], ['2']].flatMap((values) => [bind(values, 's'), execute]), sync),
    ],
  ],
  [
    'a Query forgets the unnamed statement',
    [pipeline(parse('SELECT 7'), sync), query('SELECT 1'), pipeline(bind(), execute, sync)],
  ],
  [
    'a portal that is not there',
    [pipeline({ kind: 'execute', portal: 'p', maxRows: 0 }, ...run(insert(1)), sync), query(insert(2))],
  ],
  ['several statements in one Parse', [pipeline(parse(`${insert(1)}; ${insert(2)}`), bind(), execute, sync)]],
  ['a syntax error in a Parse', [pipeline(...run(insert(1)), ...run('SELEC 1'), sync)]],
  [
    'nothing',
    [
      query(''),
      query(' ; '),
      query('-- nothing'),
      pipeline(...run(''), sync),
      pipeline(parse(''), bind(['1']), execute, sync),
    ],
  ],
  ['a flush before the refusal', [pipeline(...run(insert(1)), { kind: 'flush' }, ...run(X), sync)]],
  [
    'closing and parsing again',
    [
      pipeline(parse('SELECT 1', 's'), { kind: 'close', target: 'statement', name: 's' }, parse(X, 's'), sync),
      pipeline(parse('SELECT 2', 's'), bind([], 's'), execute, sync),
    ],
  ],
]

interface Heard {
  readonly said: readonly (readonly string[])[]
  readonly rows: readonly string[]
}

async function play(connect: () => Promise<WireClient>, exchanges: readonly Exchange[]): Promise<Heard> {
  const direct = await connectDirectly()
  await direct.query('TRUNCATE log')
  const client = await connect()
  const said: (readonly string[])[] = []
  for (const { messages, readies } of exchanges) {
    client.send(...messages)
    said.push(outline(await client.ready(readies)).map((line) => line.replace(/42703|42501/, 'refused')))
  }
  client.end()
  await client.rest()
  const rows = outline(await direct.query('SELECT n FROM log ORDER BY n'))
  direct.end()
  return { said, rows }
}

function connectDirectly(): Promise<WireClient> {
  return WireClient.connect({ ...database, database: database.database })
}

function connectThrough(): Promise<WireClient> {
  return WireClient.connect({ port: boundary.port, user: 'alice', database: 'cards', password: 'let me in' })
}

/** The script for the database itself: the refused statement is one that fails. */
function failing(exchanges: readonly Exchange[]): readonly Exchange[] {
  const replaced = (text: Uint8Array): Uint8Array => toUtf8(fromUtf8(text).replaceAll(X, FAILING))
  return exchanges.map(({ messages, readies }) => ({
    readies,
    messages: messages.map((message) =>
      message.kind === 'query' || message.kind === 'parse' ? { ...message, text: replaced(message.text) } : message,
    ),
  }))
}

describe('refused, it is as if it had failed', () => {
  for (const [name, exchanges] of scripts) {
    test(name, async () => {
      const direct = await play(connectDirectly, failing(exchanges))
      const through = await play(connectThrough, exchanges)
      // What a client's own statement gets wrong has PostgreSQL's code on both sides, but for a parameter that policy refuses.
      const normal = ({ said, rows }: Heard): Heard => ({
        said: said.map((lines) => lines.map((line) => line.replace('22P02', 'refused'))),
        rows,
      })
      assert.deepEqual(normal(through), normal(direct))
    })
  }

  test('nothing of a refused text has reached the database', async () => {
    // Ours says in each line whose session it is.
    const log = (await database.log())
      .split('\n')
      .filter((line) => line.includes(' sallyport/'))
      .join('\n')
    assert.ok(log.includes('sallyport refused'))
    assert.ok(!log.includes(X))
    assert.ok(!log.includes('SELEC 1'))
    assert.equal(boundary.gate.unsettled(), 0)
  })
})
