/** One child for each caller, one call at a time, and an end for each: with real children, kept apart in whatever way works here. */
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { fromUtf8 } from '#base'
import { GatewayError } from '#model'
import { callTool, testCaller, testServer } from '../../../../testkit/tool-server.ts'
import { startAnyServers, type TestServers } from './testkit/servers.ts'

let all: TestServers

before(async () => {
  all = await startAnyServers()
})

after(() => all[Symbol.asyncDispose]())

/** Waits until a condition holds; a test that waits in vain ends by its own timeout. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** What was recorded of one child. */
function recordsOf(childId: string): readonly string[] {
  return all.records.flatMap((entry) => {
    if (entry.kind !== 'event') return []
    const entity = entry.event.details?.['entity'] as { readonly uid: string } | undefined
    return entity?.uid === childId ? [entry.event.activity] : []
  })
}

test('a server introduces itself, lists its tools, answers; what it sees of an environment is what is configured', async () => {
  const server = testServer({
    environment: { GREETING: 'hello', KEY: { from: 'vault:key' }, NODE_OPTIONS: '--no-warnings' },
  })
  const process = await all.servers.take(testCaller('alice'), server)
  assert.match(fromUtf8(process.initialize), /"protocolVersion":"2025-11-25"/)
  assert.equal(await callTool(process, 'echo', { text: 'good day' }), 'good day')
  assert.deepEqual(
    process.tools.map(({ name, hash }) => [name, /^[0-9a-f]{64}$/.test(hash)]),
    [['echo', true]],
  )
  const environment = (await callTool(process, 'environment')) as Record<string, string>
  // What shells add of their own.
  delete environment['PWD']
  assert.deepEqual(environment, {
    GREETING: 'hello',
    KEY: 'secret of vault:key',
    HOME: environment['HOME'],
    TMPDIR: environment['HOME'],
    LANG: 'C.UTF-8',
    NODE_OPTIONS: '--no-warnings --max-old-space-size=307',
    PATH: environment['PATH'],
  })
})

test('the address of its database is in its environment, and under a name of its own', async () => {
  const server = testServer({ database: 'cards', environment: { DSN: '${DATABASE_URL}&x=${PGUSER}' } })
  const process = await all.servers.take(testCaller('dsn'), server)
  const environment = (await callTool(process, 'environment')) as Record<string, string>
  const port = all.isolation.isNetworkIsolated ? 5432 : 1
  const url = `postgresql://child:token-of-the-child@127.0.0.1:${port}/cards?sslmode=disable`
  assert.equal(environment['DATABASE_URL'], url)
  assert.equal(environment['DSN'], `${url}&x=child`)
  assert.equal(environment['PGPASSWORD'], 'token-of-the-child')
  assert.equal(all.doors.at(-1)?.database, 'cards')
})

test('each caller has one child: by person, client and login', async () => {
  const alice = testCaller('alice2')
  const [one, two] = await Promise.all([all.servers.take(alice, testServer()), all.servers.take(alice, testServer())])
  assert.equal(one.childId, two.childId)
  const renewed = testCaller('alice2', { tokenId: 'tok_another' })
  assert.equal((await all.servers.take(renewed, testServer())).childId, one.childId)
  const others = [
    testCaller('bob'),
    testCaller('alice2', { grantId: 'grt_again' }),
    testCaller('alice2', {
      identity: { ...alice.session.identity, agent: { id: 'other', name: 'another agent' } },
    }),
  ]
  for (const other of others) {
    assert.notEqual((await all.servers.take(other, testServer())).childId, one.childId)
    other.end()
  }
})

test('with other pins it is another child; the one before ends when nobody uses it', async () => {
  const caller = testCaller('pinned')
  const before = await all.servers.take(caller, testServer())
  const running = callTool(before, 'wait', { ms: 100 })
  const { resource, settings } = testServer()
  const other = { resource: { ...resource, tools: [] }, settings }
  const next = await all.servers.take(caller, other)
  assert.notEqual(next.childId, before.childId)
  assert.equal((await all.servers.take(caller, other)).childId, next.childId)
  assert.equal(await running, 'waited')
  await until(() => recordsOf(before.childId).includes('child-end'))
  assert.equal(await callTool(next, 'echo', { text: 'here' }), 'here')
})

test('one call is in flight and named by running(), others wait in order, and only so many', async () => {
  const process = await all.servers.take(testCaller('queue'), testServer({ database: 'cards' }))
  const door = all.doors.at(-1)
  const order: string[] = []
  const call = (text: string, sequence: number): Promise<unknown> =>
    callTool(process, 'wait', { ms: 30 }, { sequence }).then(() => order.push(text))
  const calls = ['a', 'b', 'c', 'd', 'e'].map((text, index) => call(text, index))
  await assert.rejects(callTool(process, 'echo'), { code: 'SP_BUSY', message: /no more than 4 may wait/ })
  await until(() => (door?.running().length ?? 0) > 0)
  assert.deepEqual(door?.running(), [{ tool: 'wait', sequence: 0 }])
  await Promise.all(calls)
  assert.deepEqual(order, ['a', 'b', 'c', 'd', 'e'])
  assert.deepEqual(door?.running(), [])
})

test('whoever gives up while waiting is out of the queue', async () => {
  const process = await all.servers.take(testCaller('impatient'), testServer())
  const long = callTool(process, 'wait', { ms: 100 })
  const controller = new AbortController()
  const waiting = callTool(process, 'echo', {}, { signal: controller.signal })
  controller.abort(new Error('gone'))
  await assert.rejects(waiting, /gone/)
  assert.equal(await long, 'waited')
  assert.equal(await callTool(process, 'echo', { text: 'next' }), 'next')
})

test('a call that is cancelled stops, and the child goes on when it says so', async () => {
  const process = await all.servers.take(testCaller('canceller'), testServer({ database: 'cards' }))
  const door = all.doors.at(-1)
  const controller = new AbortController()
  const long = callTool(process, 'wait', { ms: 60_000 }, { signal: controller.signal })
  await until(() => door?.running().length === 1)
  controller.abort(new Error('changed my mind'))
  await assert.rejects(long, /changed my mind/)
  await until(() => door?.running().length === 0)
  assert.equal(await callTool(process, 'echo', { text: 'still here' }), 'still here')
  assert.equal((await all.servers.take(testCaller('canceller'), testServer())).childId, process.childId)
})

test('a call whose time is over is stopped; a child that does not stop is ended, and others do not wait for it', async () => {
  const caller = testCaller('late')
  const process = await all.servers.take(caller, testServer({ database: 'cards' }))
  const door = all.doors.at(-1)
  const time = new AbortController()
  const late = callTool(process, 'stubborn', { ms: 60_000 }, { signal: time.signal, sequence: 7 })
  const waiting = callTool(process, 'echo', { text: 'mine' }, { sequence: 8 })
  await until(() => door?.running().length === 1)
  time.abort(new GatewayError('SP_TOOL_TIMEOUT'))
  await assert.rejects(late, { code: 'SP_TOOL_TIMEOUT' })
  // What it asks of the database until it is gone is still that call's.
  assert.deepEqual(door?.running(), [{ tool: 'stubborn', sequence: 7 }])
  assert.equal(await waiting, 'mine')
  assert.equal(await callTool(process, 'echo', { text: 'also mine' }), 'also mine')
  const next = await all.servers.take(caller, testServer())
  assert.notEqual(next.childId, process.childId)
  assert.ok(!recordsOf(process.childId).includes('child-end'), 'it has time to stop')
  await until(() => recordsOf(process.childId).includes('child-end'))
  assert.equal(await callTool(next, 'echo', { text: 'here' }), 'here')
})

test('an answer larger than outputBytes is not one, and what nobody asked for neither', async () => {
  const bounds = { outputBytes: 65_536 }
  const process = await all.servers.take(testCaller('large'), testServer({}, bounds))
  assert.equal(String(await callTool(process, 'large', { bytes: 60_000 })).length, 60_000)
  await assert.rejects(callTool(process, 'large', { bytes: 66_000 }), { code: 'SP_MASK_TOO_LARGE' })
  assert.equal(await callTool(process, 'echo', { text: 'again' }), 'again')
  await assert.rejects(callTool(process, 'large', { bytes: 10_000_000 }), { code: 'SP_MASK_TOO_LARGE' })
})

test('its requests are refused, its pings answered, its notifications passed on', async () => {
  const process = await all.servers.take(testCaller('asked'), testServer())
  assert.deepEqual(await callTool(process, 'ask'), [
    { jsonrpc: '2.0', id: 9001, error: { code: -32601, message: 'Method not found' } },
    { jsonrpc: '2.0', id: 9002, result: {} },
  ])
  const heard: string[] = []
  await callTool(process, 'progress', {}, { onNotification: (message) => heard.push(fromUtf8(message)) })
  assert.equal(heard.length, 1)
  assert.match(heard[0] ?? '', /notifications\/progress/)
})

test('tools that change are read again, all pages, before the next turn', async () => {
  const process = await all.servers.take(testCaller('grower'), testServer())
  await callTool(process, 'grow')
  using turn = await process.turn(new AbortController().signal)
  for (const { tools } of [turn, process]) {
    assert.deepEqual(
      tools.map(({ name }) => name),
      ['echo', 'grown'],
    )
  }
})

test('what of its tools is not what was reviewed is on record, at its start and when it changes', async () => {
  const { resource, settings } = testServer()
  const tools = ['echo', 'gone'].map((name) => ({ name, hash: '0', inputSchema: '{}' }))
  const process = await all.servers.take(testCaller('deviant'), { resource: { ...resource, tools }, settings })
  const recorded = (): unknown =>
    all.records.flatMap((entry) => {
      const details = entry.kind === 'event' ? entry.event.details : undefined
      return entry.kind !== 'event' || details?.['child'] !== process.childId
        ? []
        : [[entry.event.activity, (details['entity'] as { readonly uid: string }).uid, details['tools']]]
    })
  const first = [
    ['tool-changed', 'ledger/echo', undefined],
    ['tool-missing', 'ledger/gone', undefined],
  ]
  assert.deepEqual(recorded(), first)
  await callTool(process, 'grow')
  await callTool(process, 'echo')
  assert.deepEqual(recorded(), [...first, ...first, ['tool-unpinned', 'ledger', 1]])
  await callTool(process, 'echo')
  assert.deepEqual(recorded(), [...first, ...first, ['tool-unpinned', 'ledger', 1]])
})

test('whoever has a turn and does not use it gives it to the next', async () => {
  const process = await all.servers.take(testCaller('waster'), testServer({ database: 'cards' }))
  const { signal } = new AbortController()
  const turn = await process.turn(signal)
  const waiting = callTool(process, 'echo', { text: 'mine' })
  assert.deepEqual(all.doors.at(-1)?.running(), [])
  turn[Symbol.dispose]()
  assert.equal(await waiting, 'mine')
})

test('arguments over several lines arrive as they are', async () => {
  const process = await all.servers.take(testCaller('lines'), testServer())
  const params = Buffer.from('{"name":"echo",\r\n "arguments":{"text":\n"a b"}}')
  const { signal } = new AbortController()
  using turn = await process.turn(signal)
  const answer = await turn.call({ method: 'tools/call', params, tool: 'echo', sequence: 1 }, signal)
  assert.match(fromUtf8(answer.value), /a b/)
})

test('one that ends is said to have ended, and waits before it is started again', async () => {
  const caller = testCaller('crash')
  const process = await all.servers.take(caller, testServer())
  const dying = callTool(process, 'exit')
  await assert.rejects(dying, (error) => error instanceof GatewayError && /exit code 3/.test(error.message))
  await assert.rejects(callTool(process, 'echo'), { code: 'SP_TOOL_SERVER_FAILED' })
  await assert.rejects(all.servers.take(caller, testServer()), /started again in/)
  await until(() => recordsOf(process.childId).includes('child-end'))
  assert.deepEqual(recordsOf(process.childId), ['child-start', 'child-end'])
})

test('one that cannot start, says nothing or says something else is said so, and leaves nothing behind', async () => {
  const starts: readonly [string, readonly string[], RegExp][] = [
    ['missing', ['no-such-program'], /127/],
    ['silent', ['sleep', '60'], /did not introduce itself within 1 seconds/],
    ['babble', ['sh', '-c', 'echo "{"; sleep 60'], /no JSON-RPC/],
  ]
  for (const [name, command, words] of starts) {
    const starting = all.servers.take(testCaller(name), testServer({ command }, { startSeconds: 1 }))
    await assert.rejects(starting, (error) => error instanceof GatewayError && words.test(error.message), name)
  }
})

test('a banner on its standard output is no failure, and goes to the log with its complaints, cut and counted', async () => {
  const process = await all.servers.take(testCaller('banner'), testServer({ environment: { BANNER: 'Welcome!' } }))
  await callTool(process, 'grumble', { bytes: 1_000_000 })
  const said = all.lines.filter((line) => line.includes(`"${process.childId}"`) && line.includes('mcp.server.said'))
  assert.ok(said.some((line) => line.includes('Welcome!')))
  assert.ok(said.length <= 21 && said.every((line) => line.length < 700))
})

test('a child ends when the last session of its caller does, and not before', async () => {
  const first = testCaller('leaver')
  const second = testCaller('leaver')
  const process = await all.servers.take(first, testServer({ database: 'cards' }))
  const facts = all.doors.at(-1)
  await all.servers.take(second, testServer({ database: 'cards' }))
  assert.equal(facts?.session.id, second.session.id)
  second.end()
  assert.equal(facts?.session.id, first.session.id)
  assert.equal(await callTool(process, 'echo', { text: 'here' }), 'here')
  first.end()
  await assert.rejects(callTool(process, 'echo'), { code: 'SP_SESSION_REVOKED' })
  await until(() => recordsOf(process.childId).includes('child-end'))
  await assert.rejects(all.servers.take(first, testServer()), { code: 'SP_SESSION_REVOKED' })
})

test('a child that nobody calls is ended, and a new one answers the next call', async () => {
  const caller = testCaller('idler')
  const server = testServer({}, { idleMinutes: 0.002 })
  const process = await all.servers.take(caller, server)
  await until(() => recordsOf(process.childId).includes('child-end'))
  const next = await all.servers.take(caller, server)
  assert.notEqual(next.childId, process.childId)
  assert.equal(await callTool(next, 'echo', { text: 'again' }), 'again')
})

test('there are only so many: one that rests makes room, one at work does not', async () => {
  await using servers = await startAnyServers({ limits: { children: 3, childrenEach: 1 } })
  const alice = testCaller('a')
  const resting = await servers.servers.take(alice, testServer())
  const other = testCaller('a', { grantId: 'other' })
  const working = await servers.servers.take(other, testServer())
  await assert.rejects(callTool(resting, 'echo'), { code: 'SP_TOOL_SERVER_FAILED' })
  const controller = new AbortController()
  const call = callTool(working, 'wait', { ms: 60_000 }, { signal: controller.signal })
  await assert.rejects(servers.servers.take(alice, testServer()), { code: 'SP_BUSY', message: /at work for you/ })
  controller.abort(new Error('enough'))
  await assert.rejects(call)
})

test('nothing is left when all is closed, and nothing starts any more', async () => {
  const started = await startAnyServers()
  const processes = await Promise.all(['x', 'y'].map((name) => started.servers.take(testCaller(name), testServer())))
  const call = callTool(processes[0] as (typeof processes)[0], 'wait', { ms: 60_000 })
  call.catch(() => undefined)
  await started.servers.close()
  await assert.rejects(call, { code: 'SP_SHUTDOWN' })
  assert.deepEqual(
    (await readdir(started.runFolder)).filter((name) => /^c\d/.test(name)),
    [],
  )
  await assert.rejects(started.servers.take(testCaller('z'), testServer()), { code: 'SP_SHUTDOWN' })
  await started[Symbol.asyncDispose]()
})

test('without a record no child', async () => {
  await using servers = await startAnyServers({
    trail: { record: () => Promise.reject(new GatewayError('SP_TRAIL_UNAVAILABLE')), conclude: () => undefined },
  })
  await assert.rejects(servers.servers.take(testCaller('alice'), testServer()), { code: 'SP_TRAIL_UNAVAILABLE' })
})

test('without isolation none is started, unless the configuration says so; code may not hold what is private', async () => {
  const isolation = { tried: ['bubblewrap: not here'] }
  await using servers = await startAnyServers({ isolation, privatePaths: ['/etc'] })
  await assert.rejects(servers.servers.take(testCaller('alice'), testServer()), {
    code: 'SP_ISOLATION_UNAVAILABLE',
    message: /bubblewrap: not here/,
  })
  const open = await servers.servers.take(testCaller('alice'), testServer({ isolation: 'none' }))
  assert.equal(await callTool(open, 'echo', { text: 'open' }), 'open')
  const [accepted, start] = servers.records
  assert.ok(accepted?.kind === 'event' && start?.kind === 'event')
  assert.equal(accepted.event.activity, 'isolation-accept')
  assert.equal(start.event.details?.['isolation'], 'none')
  assert.equal(start.event.details['network'], 'not isolated')
  const reader = testServer({ isolation: 'none', code: ['/'] })
  await assert.rejects(servers.servers.take(testCaller('bob'), reader), { code: 'SP_CONFIG_INVALID' })
})
