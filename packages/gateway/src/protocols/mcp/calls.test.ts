/** Calls and lists: what is recorded, what is sent, what comes back, and how each ends. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type ErrorCode, GatewayError, type Operation, type PendingRequest } from '#model'
import { type JsonMessage, modern, startBoundary, type TestBoundary } from './testkit/boundary.ts'
import { createTestServers, MAX_WAITING, type TestServers, type Tool } from './testkit/servers.ts'

const PAN = '4111111111111111'
const definition = (name: string, more = ''): string =>
  `{"name":"${name}","inputSchema":{"type":"object","properties":{"amount":{"type":"number"},"currency":{}}}${more}}`

const REFUND = definition('refund', ',"xVendor":{"weight":1.50}')
const HIDDEN = definition('hidden')
const CHANGED = definition('changed')
const VANISHED = definition('vanished')
const TWICE = definition('twice')
const LEAKY = definition('leaky', `,"description":"try ${PAN}"`)
const pinned = [REFUND, HIDDEN, CHANGED, VANISHED, TWICE, LEAKY]
const live = [REFUND, HIDDEN, definition('changed', ',"title":"other"'), TWICE, TWICE, LEAKY, definition('unpinned')]

let behaviour: Tool
let verdicts: ((operation: Operation) => true | ErrorCode) | undefined
let servers: TestServers
let boundary: TestBoundary
const pending: PendingRequest = {
  ref: '000ABC',
  status: 'open',
  need: 'payments-leads:1',
  expiresAtMs: Date.UTC(2026, 10, 21, 15, 4),
  answered: async () => await Promise.resolve('open' as const),
}

before(async () => {
  const run: Tool = async (...call) => await behaviour(...call)
  servers = createTestServers(live, { refund: run, hidden: run, changed: run, leaky: run, twice: run, unpinned: run })
  boundary = await startBoundary({
    servers,
    pinned,
    gate: {
      permits: (operation) =>
        operation.shape.incomplete === undefined ? (verdicts?.(operation) ?? true) : 'SP_OPERATION_INCOMPLETE',
      lists: (tool) => tool !== 'hidden',
      pending: () => pending,
    },
  })
})

after(async () => {
  await boundary[Symbol.asyncDispose]()
})

beforeEach(() => {
  behaviour = async () => await Promise.resolve('{"content":[{"type":"text","text":"done"}]}')
  verdicts = undefined
})

async function call(
  name: string,
  args = '{"amount":1.50}',
): Promise<{ message: JsonMessage; text: string; status: number }> {
  const [, headers] = modern('tools/call', { name })
  const meta =
    '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"x/secret":"of the client"}'
  const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":${JSON.stringify(name)},"arguments":${args},${meta}}}`
  const response = await boundary.post(body, headers)
  const text = await response.text()
  return { message: JSON.parse(text) as JsonMessage, text, status: response.status }
}

const last = (): (typeof boundary.gate.admissions)[number] => {
  const admission = boundary.gate.admissions.at(-1)
  assert.ok(admission !== undefined)
  return admission
}

function textOf(message: JsonMessage): string {
  const content = message.result?.['content'] as readonly { readonly text: string }[] | undefined
  return content?.[0]?.text ?? ''
}

function refusalOf(message: JsonMessage): Readonly<Record<string, unknown>> | undefined {
  const meta = message.result?.['_meta'] as Readonly<Record<string, Record<string, unknown>>> | undefined
  return meta?.['dev.sallyport/refusal']
}

describe('a call', () => {
  test('is recorded, sent as it was permitted and nothing else, and answered as the server wrote it', async () => {
    const result = '{"content": [{"type":"text","text":"ok \\u00e9"}],"structuredContent":{"n":1.50},"extra":[1e2] }'
    behaviour = async () => await Promise.resolve(result)
    const args = '{ "amount":1.50,\n "currency" : "EUR","card\\u0031":1E2}'
    const { text } = await call('refund', args)
    assert.equal(text, `{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete",${result.slice(1)}}`)
    assert.equal(
      servers.calls.at(-1)?.params,
      '{"name":"refund","arguments":{ "amount":1.50,  "currency" : "EUR","card\\u0031":1E2}}',
    )
    const { operation, outcome, sequence } = last()
    assert.equal(servers.calls.at(-1)?.sequence, sequence)
    const { definition: hash, ...shape } = operation.shape
    assert.deepEqual(
      { ...shape, fingerprint: shape.fingerprint.length },
      {
        verb: 'tools/call',
        accesses: [{ effect: 'callTool', object: { kind: 'tool', name: 'refund' } }],
        template: 'refund(?, amount, currency)',
        fingerprint: 64,
      },
    )
    assert.match(hash ?? '', /^[0-9a-f]{64}$/)
    assert.equal(operation.arguments, args)
    assert.equal(
      Buffer.from(operation.payload).toString(),
      `{"tool":"refund","definition":"${hash}","arguments":${args}}`,
    )
    const sent = `{"resultType":"complete",${result.slice(1)}`
    assert.equal(outcome?.status, 'success')
    assert.equal(outcome.bytes, sent.length)
    assert.equal(outcome.digest, createHash('sha256').update(sent).digest('hex'))
  })

  test('of the same form has the same shape, whatever its values', async () => {
    await call('refund', '{"amount":1,"currency":"EUR"}')
    const { shape } = last().operation
    await call('refund', '{"currency":"USD","amount":2}')
    assert.equal(last().operation.shape, shape)
    await call('refund', '{"amount":2}')
    assert.notEqual(last().operation.shape.fingerprint, shape.fingerprint)
  })

  test('without arguments is one with none', async () => {
    await boundary.post(...modern('tools/call', { name: 'refund' }))
    assert.equal(servers.calls.at(-1)?.params, '{"name":"refund","arguments":{}}')
    assert.equal(last().operation.shape.template, 'refund()')
  })

  test('that fails in the tool is an error on record, and answered as it is', async () => {
    behaviour = async () => await Promise.resolve('{"content":[],"isError":true}')
    const { text } = await call('refund')
    assert.match(text, /"result":\{"resultType":"complete","content":\[\],"isError":true\}/)
    assert.equal(last().outcome?.status, 'error')
  })

  test('that fails in the protocol too; codes that 2026-07-28 reserves are not passed on', async () => {
    for (const [code, passed] of [
      [-32_602, -32_602],
      [-32_042, -32_603],
      [-32_050, -32_603],
      [7, 7],
    ] as const) {
      behaviour = async () =>
        await Promise.resolve({ error: `{"code":${String(code)},"message":"m","data":{"x":1.0}}` })
      const { text } = await call('refund')
      assert.equal(text, `{"jsonrpc":"2.0","id":1,"error":{"code":${String(passed)},"message":"m","data":{"x":1.0}}}`)
      assert.equal(last().outcome?.errorCode, String(code))
    }
  })

  test('with params that are none', async () => {
    const recorded = boundary.gate.admissions.length
    for (const [name, args] of [
      ['refund', '[1]'],
      ['refund', '"x"'],
      ['refund', 'null'],
    ] as const) {
      const { message } = await call(name, args)
      assert.equal(message.error?.code, -32602)
      assert.equal(last().operation.shape.incomplete, 'its params are not what the method takes')
    }
    assert.equal(boundary.gate.admissions.length, recorded + 3)
  })
})

describe('masking', () => {
  test('card numbers are truncated, and counted where they were', async () => {
    behaviour = async () =>
      await Promise.resolve(`{"content":[{"type":"text","text":"${PAN}"}],"structuredContent":{"pan":"${PAN}"}}`)
    const { text } = await call('refund')
    assert.ok(!text.includes(PAN))
    const { outcome } = last()
    assert.equal(outcome?.status, 'success')
    assert.deepEqual(outcome.masking, {
      ruleset: 'test-ruleset',
      columns: [
        { name: '/content/*/text', rule: 'detected-pan', seen: 1, masked: 1 },
        { name: '/structuredContent/pan', rule: 'detected-pan', seen: 1, masked: 1 },
      ],
    })
  })

  test('an error of the server is masked like a result', async () => {
    behaviour = async () => await Promise.resolve({ error: `{"code":-1,"message":"no card ${PAN}","data":"${PAN}"}` })
    const { text } = await call('refund')
    assert.ok(!text.includes(PAN))
    assert.equal(last().outcome?.masking?.columns.length, 2)
  })

  test('what cannot be truncated is withheld', async () => {
    for (const [result, code] of [
      [`{"structuredContent":{"pan":${PAN}},"content":[]}`, 'SP_MASK_NUMERIC'],
      ['{"content":[{"text":";4111111111111111=30122011234567890?"}]}', 'SP_MASK_SAD'],
    ] as const) {
      behaviour = async () => await Promise.resolve(result)
      const { message, text } = await call('refund')
      assert.ok(!text.includes('1111111'))
      assert.equal(message.result?.['isError'], true)
      assert.equal(refusalOf(message)?.['code'], code)
      assert.match(textOf(message), /\[ref \w+\]/)
      const { outcome } = last()
      assert.equal(outcome?.status, 'masking-refused')
      assert.equal(outcome.errorCode, code)
      assert.equal(outcome.bytes, 0)
      assert.equal(outcome.digest, undefined)
    }
  })
})

describe('a refusal', () => {
  test('is a result that the model reads, with a reference', async () => {
    verdicts = () => 'SP_POLICY_DENIED'
    const calls = servers.calls.length
    const { message, status } = await call('refund')
    assert.equal(status, 200)
    assert.equal(message.result?.['isError'], true)
    assert.match(
      textOf(message),
      /tools\/call denied: no policy permits it \[ref \w+\]\n.*\nDo not repeat it unchanged\./s,
    )
    const { ref, ...facts } = refusalOf(message) ?? {}
    assert.deepEqual(facts, { code: 'SP_POLICY_DENIED', retry: 'no' })
    assert.match(String(ref), /^\w+$/)
    assert.equal(message.result['structuredContent'], undefined)
    assert.equal(servers.calls.length, calls)
  })

  test('of a held call says who must approve and what to do then', async () => {
    verdicts = () => 'SP_POLICY_NEEDS_APPROVAL'
    const { message } = await call('refund')
    const text = textOf(message)
    assert.match(text, /payments-leads:1/)
    assert.match(text, /sallyport approve 000ABC/)
    assert.match(text, /call the tool again with exactly the same arguments, before 2026-11-21T15:04Z/)
    assert.deepEqual(refusalOf(message), {
      code: 'SP_POLICY_NEEDS_APPROVAL',
      retry: 'later',
      ref: '000ABC',
      need: 'payments-leads:1',
      expires: '2026-11-21T15:04Z',
    })
  })

  test('of a hidden tool is that of one that does not exist', async () => {
    verdicts = () => 'SP_POLICY_DENIED'
    const answers = []
    for (const name of ['hidden', 'nothing']) {
      const { message } = await call(name)
      assert.equal(message.error?.code, -32602)
      answers.push(
        JSON.stringify(message.error)
          .replaceAll(name, 'NAME')
          .replaceAll(/ref[" :]+\w+/g, 'ref'),
      )
    }
    assert.equal(answers[0], answers[1])
    assert.equal(last().kind, 'refusal')
    assert.deepEqual(last().operation.shape.accesses, [])
    assert.equal(last().operation.shape.template, 'tools/call')
    assert.equal(last().payload['tool'], 'nothing')
  })

  test('of a tool that nobody reviewed, though the server has it', async () => {
    const calls = servers.calls.length
    const { message } = await call('unpinned')
    assert.equal(message.error?.data?.['code'], 'SP_TOOL_UNKNOWN')
    assert.equal(servers.calls.length, calls)
    await call('x'.repeat(1_000))
    assert.equal(String(last().payload['tool']).length, 128)
    const { text } = await call(`card ${PAN}`)
    assert.ok(!text.includes(PAN))
  })

  test('of a tool that is not what was reviewed, is gone, or is there twice', async () => {
    const calls = servers.calls.length
    for (const name of ['changed', 'vanished', 'twice']) {
      const { message } = await call(name)
      assert.equal(refusalOf(message)?.['code'], 'SP_TOOL_CHANGED', name)
      assert.equal(last().operation.shape.incomplete, 'its definition is not the one that was reviewed')
    }
    assert.equal(servers.calls.length, calls)
  })

  test('of a call whose server does not start is on record', async () => {
    servers.failure = new GatewayError('SP_TOOL_SERVER_FAILED', 'exit code 1')
    const { message } = await call('refund')
    servers.failure = undefined
    assert.equal(refusalOf(message)?.['code'], 'SP_TOOL_SERVER_FAILED')
    assert.match(textOf(message), /\[ref \w+\]/)
    assert.equal(last().operation.shape.incomplete, 'its MCP server could not be started')
    assert.equal(last().operation.arguments, '{"amount":1.50}')
  })

  test('when the trail cannot be written: nothing is sent', async () => {
    const calls = servers.calls.length
    boundary.gate.trailDown = true
    const { message } = await call('refund')
    boundary.gate.trailDown = false
    assert.equal(refusalOf(message)?.['code'], 'SP_TRAIL_UNAVAILABLE')
    assert.equal(servers.calls.length, calls)
  })
})

describe('a call that waits for its turn', () => {
  /** A call that runs until it is told to answer. */
  async function running(): Promise<{ end(): Promise<void> }> {
    const runs = Promise.withResolvers<undefined>()
    const answer = Promise.withResolvers<string>()
    behaviour = async () => {
      runs.resolve(undefined)
      return await answer.promise
    }
    const slow = call('refund')
    await runs.promise
    behaviour = async () => await Promise.resolve('{"content":[]}')
    return {
      end: async () => {
        answer.resolve('{"content":[]}')
        await slow
      },
    }
  }

  /** Until so many calls came to the server of all callers. */
  const come = async (count: number): Promise<void> => {
    while (servers.waiting() < count) await new Promise(setImmediate)
  }

  test('is decided when it has it: by the policy in force then', async () => {
    const slow = await running()
    const before = boundary.gate.admissions.length
    const waiting = call('refund', '{"amount":2}')
    await come(1)
    assert.equal(boundary.gate.admissions.length, before, 'nothing is decided, recorded or taken yet')
    verdicts = () => 'SP_POLICY_FORBIDDEN'
    const calls = servers.calls.length
    await slow.end()
    assert.equal(refusalOf((await waiting).message)?.['code'], 'SP_POLICY_FORBIDDEN')
    assert.equal(servers.calls.length, calls)
  })

  test('is compared then, with what is pinned then', async () => {
    const slow = await running()
    const calls = servers.calls.length
    const waiting = call('refund', '{"amount":2}')
    await come(1)
    boundary.pin([definition('refund', ',"title":"other"')])
    await slow.end()
    assert.equal(refusalOf((await waiting).message)?.['code'], 'SP_TOOL_CHANGED')
    assert.equal(servers.calls.length, calls)
    boundary.pin(pinned)
    assert.deepEqual((await call('refund')).message.result?.['content'], [])
  })

  test('and is held lets the next one run', async () => {
    const slow = await running()
    verdicts = ({ arguments: args }) => (args === '{"amount":2}' ? 'SP_POLICY_NEEDS_APPROVAL' : true)
    const held = call('refund', '{"amount":2}')
    await come(1)
    const next = call('refund', '{"amount":3}')
    await come(2)
    await slow.end()
    assert.equal(refusalOf((await held).message)?.['code'], 'SP_POLICY_NEEDS_APPROVAL')
    assert.deepEqual((await next).message.result?.['content'], [])
  })

  test('of somebody whose session has ended meanwhile is refused', async () => {
    const slow = await running()
    const waiting = call('refund', '{"amount":2}')
    await come(1)
    boundary.gate.endAll({ kind: 'revoked', by: 'carol', reason: 'test' })
    assert.equal(refusalOf((await waiting).message)?.['code'], 'SP_SESSION_REVOKED')
    await slow.end()
  })

  test('and is taken back is on record as refused', async () => {
    const slow = await running()
    const [message, headers] = modern('tools/call', { name: 'refund' })
    const before = boundary.gate.admissions.length
    let destroy = (): void => undefined
    const sent = boundary.send({
      headers: { 'content-type': 'application/json', authorization: 'Bearer alices-token', ...headers },
      body: JSON.stringify(message),
      onSent: (how) => (destroy = how),
    })
    await come(1)
    destroy()
    await assert.rejects(sent)
    while (boundary.gate.admissions.length === before) await new Promise(setImmediate)
    assert.equal(last().operation.shape.incomplete, 'it had no turn at the MCP server')
    assert.equal(servers.waiting(), 0)
    await slow.end()
  })

  test('finds too many that wait: says what is busy and what to do', async () => {
    const slow = await running()
    const waiting = []
    for (let count = 1; count <= MAX_WAITING; count++) {
      waiting.push(call('refund'))
      await come(count)
    }
    const { message } = await call('refund')
    assert.equal(refusalOf(message)?.['code'], 'SP_BUSY')
    assert.match(textOf(message), /one call at a time, and of your calls no more than 2 may wait \[ref \w+\]\n/)
    assert.equal(last().operation.shape.incomplete, 'it had no turn at the MCP server')
    await slow.end()
    await Promise.all(waiting)
  })

  test('has one time for waiting and running', async () => {
    const own = createTestServers(live, { refund: async () => await new Promise(() => undefined) })
    await using other = await startBoundary({ servers: own, pinned, limits: { callSeconds: 0.05 } })
    const ask = async (): Promise<JsonMessage> =>
      (await (await other.post(...modern('tools/call', { name: 'refund' }))).json()) as JsonMessage
    const turn = await own.process.turn(new AbortController().signal)
    const waited = await ask()
    assert.equal(refusalOf(waited)?.['code'], 'SP_BUSY')
    assert.match(textOf(waited), /its turn did not come within 0.05 s/)
    assert.equal(own.calls.length, 0)
    turn[Symbol.dispose]()
    assert.equal(refusalOf(await ask())?.['code'], 'SP_TOOL_TIMEOUT')
    assert.deepEqual(
      other.gate.admissions.map(({ kind }) => kind),
      ['refusal', 'permit'],
    )
  })
})

describe('how a call ends that has no answer', () => {
  for (const [code, status] of [
    ['SP_TOOL_SERVER_FAILED', 'lost'],
    ['SP_TOOL_TIMEOUT', 'lost'],
    ['SP_BUSY', 'skipped'],
    ['SP_TOOL_CHANGED', 'refused'],
    ['SP_SHUTDOWN', 'cancelled'],
    ['SP_MASK_TOO_LARGE', 'masking-refused'],
  ] as const) {
    test(code, async () => {
      behaviour = async () => await Promise.reject(new GatewayError(code))
      const { message } = await call('refund')
      assert.equal(refusalOf(message)?.['code'], code)
      assert.equal(last().outcome?.status, status)
      assert.equal(last().outcome?.errorCode, code)
    })
  }

  test('an answer that is none of MCP', async () => {
    for (const result of ['[1]', '"x"', '{"resultType":"input_required","inputRequests":{}}']) {
      behaviour = async () => await Promise.resolve(result)
      const { message } = await call('refund')
      assert.equal(refusalOf(message)?.['code'], 'SP_UPSTREAM_PROTOCOL')
      assert.equal(last().outcome?.status, 'error')
    }
  })
})

describe('taking a call back', () => {
  /** A tool that runs until it is told to stop; says when it runs and when it was told. */
  function endless(): { readonly runs: Promise<void>; readonly stopped: Promise<void> } {
    const runs = Promise.withResolvers<undefined>()
    const stopped = Promise.withResolvers<undefined>()
    behaviour = async (_args, _call, signal) => {
      runs.resolve(undefined)
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve)
      })
      stopped.resolve(undefined)
      return await new Promise(() => undefined)
    }
    return { runs: runs.promise, stopped: stopped.promise }
  }

  const json = { 'content-type': 'application/json', authorization: 'Bearer alices-token' }
  const outcomeOf = async (index: number): Promise<string | undefined> => {
    while (boundary.gate.admissions[index]?.outcome === undefined) await new Promise(setImmediate)
    return boundary.gate.admissions[index].outcome.status
  }

  test('2026-07-28: the connection is closed', async () => {
    const { runs, stopped } = endless()
    const [message, headers] = modern('tools/call', { name: 'refund' })
    let destroy = (): void => undefined
    const sent = boundary.send({
      headers: { ...json, ...headers },
      body: JSON.stringify(message),
      onSent: (how) => (destroy = how),
    })
    await runs
    destroy()
    await assert.rejects(sent)
    await stopped
    assert.equal(await outcomeOf(boundary.gate.admissions.length - 1), 'cancelled')
  })

  test('before: notifications/cancelled of the same session, however the id is written', async () => {
    const headers = await beginLegacy()
    const { runs, stopped } = endless()
    const running = boundary.post(
      '{"jsonrpc":"2.0","id":"a\\u0062","method":"tools/call","params":{"name":"refund"}}',
      headers,
    )
    await runs
    const other = await beginLegacy()
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'ab', reason: 'x' } }
    assert.equal((await boundary.post(cancel, other)).status, 202)
    assert.equal(last().outcome, undefined)
    assert.equal((await boundary.post(cancel, headers)).status, 202)
    await stopped
    assert.equal((await ((await running).json() as Promise<JsonMessage>)).error?.message, 'the request was cancelled')
    assert.equal(last().outcome?.status, 'cancelled')
  })

  test('before: a closed connection is no cancellation, and nothing is said to have been received', async () => {
    const headers = await beginLegacy()
    const runs = Promise.withResolvers<undefined>()
    const answer = Promise.withResolvers<string>()
    behaviour = async () => {
      runs.resolve(undefined)
      return await answer.promise
    }
    let destroy = (): void => undefined
    const body = '{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"refund"}}'
    const sent = boundary.send({ headers: { ...json, ...headers }, body, onSent: (how) => (destroy = how) })
    await runs.promise
    destroy()
    await assert.rejects(sent)
    await boundary.post('{"jsonrpc":"2.0","id":1,"method":"ping"}', headers)
    answer.resolve('{"content":[]}')
    assert.equal(await outcomeOf(boundary.gate.admissions.length - 1), 'success')
    assert.equal(last().outcome?.bytes, 0)
    assert.equal(last().outcome?.digest, undefined)
  })

  for (const era of ['before', 'now'] as const) {
    test(`${era}: the session is ended: what runs is stopped, and on record as that`, async () => {
      const headers = era === 'before' ? await beginLegacy() : undefined
      const { runs, stopped } = endless()
      const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'refund' } }
      const running =
        headers === undefined
          ? boundary.post(...modern('tools/call', { name: 'refund' }))
          : boundary.post(call, headers)
      await runs
      boundary.gate.endAll({ kind: 'revoked', by: 'carol', reason: 'test' })
      await stopped
      const message = (await (await running).json()) as JsonMessage
      assert.equal(refusalOf(message)?.['code'], 'SP_SESSION_REVOKED')
      assert.equal(last().outcome?.status, 'cancelled')
    })
  }

  test('an id that is under way is not taken twice', async () => {
    const headers = await beginLegacy()
    const { runs } = endless()
    const body = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"refund"}}'
    const running = boundary.post(body, headers)
    await runs
    const admission = last()
    assert.equal((await boundary.post(body, headers)).status, 400)
    await boundary.send({ method: 'DELETE', headers: { ...json, ...headers } })
    assert.equal((await running).status, 200)
    assert.equal(admission.outcome?.status, 'cancelled')
  })

  async function beginLegacy(): Promise<Record<string, string>> {
    const response = await boundary.post({ jsonrpc: '2.0', id: 0, method: 'initialize', params: {} })
    return { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '', 'mcp-protocol-version': '2025-11-25' }
  }
})

describe('a list', () => {
  test('has what was reviewed, is still the same, and is shown', async () => {
    const own = createTestServers(live, {})
    await using other = await startBoundary({
      servers: own,
      pinned,
      gate: { lists: (tool) => tool !== 'hidden' },
    })
    const text = await (await other.post(...modern('tools/list'))).text()
    const shown = LEAKY.replace(PAN, '************1111')
    assert.ok(text.endsWith(`"tools":[${shown},${REFUND}]}}`), text)
    const [list, ...others] = other.gate.admissions
    assert.equal(others.length, 0)
    assert.equal(list?.verb, 'tools/list')
    assert.deepEqual(list.operation.shape.accesses, [])
    assert.equal(list.outcome?.status, 'success')
    assert.equal(list.outcome.masking?.columns[0]?.name, '/tools/*/description')
  })

  test('is of what is pinned now', async () => {
    const listed = async (): Promise<unknown> => {
      const { result } = (await (await boundary.post(...modern('tools/list'))).json()) as JsonMessage
      const tools = result?.['tools'] as readonly { readonly name: string }[] | undefined
      return tools?.map(({ name }) => name)
    }
    boundary.pin([REFUND, definition('unpinned')])
    assert.deepEqual(await listed(), ['refund', 'unpinned'])
    assert.equal((await call('unpinned')).message.error, undefined)
    boundary.pin(pinned)
    assert.deepEqual(await listed(), ['leaky', 'refund'])
    assert.equal((await call('unpinned')).message.error?.code, -32602)
  })

  test('that policy refuses is an error with a reference', async () => {
    verdicts = () => 'SP_POLICY_DENIED'
    const response = await boundary.post(...modern('tools/list'))
    const { error } = (await response.json()) as JsonMessage
    assert.equal(error?.code, -31_000)
    assert.equal(error.data?.['code'], 'SP_POLICY_DENIED')
    assert.match(String(error.data['ref']), /^\w+$/)
  })
})

test('no permit is left open', () => {
  assert.equal(boundary.gate.unsettled(), 0)
})
