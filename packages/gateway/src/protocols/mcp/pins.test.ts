import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { fromUtf8, toUtf8 } from '#base'
import { GatewayError } from '#model'
import { definitionHash, readTool, readToolPage } from './definitions.ts'
import { formatPins, readPins } from './pins.ts'
import { liveTools } from './testkit/servers.ts'

const definition =
  '{"name":"refund","inputSchema":{"type":"object","properties":{"amount":{"type":"number","maximum":1.50}}},"xVendor":{"b":1e2,"a":"\\u00e9"}}'

describe('a hash', () => {
  test('is that of the canonical definition, however it is spelt', () => {
    const canonical =
      '{"inputSchema":{"properties":{"amount":{"maximum":1.5,"type":"number"}},"type":"object"},"name":"refund","xVendor":{"a":"é","b":100}}'
    const expected = createHash('sha256').update(canonical).digest('hex')
    assert.equal(definitionHash(toUtf8(definition)), expected)
    assert.equal(definitionHash(toUtf8(canonical)), expected)
  })

  test('changes with any part of it', () => {
    const other = [
      definition.replace('1.50', '1.51'),
      definition.replace('"xVendor"', '"xvendor"'),
      definition.replace('{"name"', '{"title":"x","name"'),
      definition.replace('{"name"', '{"annotations":{"readOnlyHint":true},"name"'),
    ]
    const hashes = new Set([definition, ...other].map((text) => definitionHash(toUtf8(text))))
    assert.equal(hashes.size, 5)
  })

  test('is of the names as they are, whatever was read before', () => {
    const escaped = '{"name":"escaped","xVendor":{"unread":1,"\\u0062":2}}'
    const expected = definitionHash(toUtf8('{"name":"escaped","xVendor":{"unread":1,"b":2}}'))
    for (let times = 0; times < 3; times++) JSON.parse('{"unread":1,"\\\\":2}')
    assert.equal(definitionHash(toUtf8(escaped)), expected)
  })

  test('is not there for what has no canonical form', () => {
    assert.equal(definitionHash(toUtf8('{"name":"\\ud800"}')), undefined)
    assert.equal(definitionHash(toUtf8('{"name":"a","n":1e999}')), undefined)
    assert.equal(readTool(toUtf8('{"name":"a","n":1e999}')), undefined)
    assert.equal(readTool(toUtf8('{"title":"a"}')), undefined)
    assert.equal(readTool(toUtf8(`{"name":"${'a'.repeat(129)}"}`)), undefined)
  })
})

describe('a page of tools', () => {
  test('has the definitions as they were written', () => {
    const page = readToolPage(toUtf8(`{"tools":[ ${definition} ,7,{"name":""}], "nextCursor":"a\\u0062"}`))
    assert.deepEqual(
      page.tools.map((tool) => fromUtf8(tool.definition)),
      [definition],
    )
    assert.equal(page.nextCursor, 'ab')
    assert.equal(readToolPage(toUtf8('{"tools":[]}')).nextCursor, undefined)
  })

  test('that is none', () => {
    for (const text of ['[]', '{}', '{"tools":{}}', `{"tools":[${Array.from({ length: 2_001 }, () => '1').join()}]}`]) {
      assert.throws(
        () => readToolPage(toUtf8(text)),
        (error) => error instanceof GatewayError && error.code === 'SP_TOOL_SERVER_FAILED',
      )
    }
  })
})

describe('pins', () => {
  const other = '{"inputSchema":{},"name":"lookup"}'
  const text = formatPins('ledger', liveTools([definition, other]))

  test('are read back as they were written, sorted, to the digit', () => {
    const pins = readPins(text)
    assert.ok(pins.kind === 'pins')
    assert.equal(pins.server, 'ledger')
    assert.deepEqual(
      pins.tools.map(({ name, hash }) => [name, hash]),
      [
        ['lookup', definitionHash(toUtf8(other))],
        ['refund', definitionHash(toUtf8(definition))],
      ],
    )
    assert.match(pins.tools[1]?.inputSchema ?? '', /^\{\s+"type": "object",[^]*"maximum": 1\.50\s/)
    assert.match(pins.tools[1]?.definition ?? '', /"b": 1e2/)
    const live = pins.tools.map((tool) => tool.definition)
    assert.equal(formatPins('ledger', liveTools(live)), text)
  })

  test('are laid out for review', () => {
    assert.equal(
      formatPins('ledger', liveTools([other])),
      `{
  "apiVersion": "sallyport/v1",
  "server": "ledger",
  "tools": [
    {
      "name": "lookup",
      "hash": "${definitionHash(toUtf8(other)) ?? ''}",
      "definition": {
        "inputSchema": {},
        "name": "lookup"
      }
    }
  ]
}
`,
    )
  })

  const broken: readonly (readonly [name: string, text: string, problem: RegExp])[] = [
    ['no JSON', 'tools: []', /not the JSON/],
    ['a member twice', text.replace('"server"', '"apiVersion"'), /not the JSON/],
    ['another version', text.replace('sallyport/v1', 'sallyport/v9'), /apiVersion/],
    ['no tools', '{"apiVersion":"sallyport/v1","server":"ledger"}', /tools must be a list/],
    [
      'a definition that was changed',
      text.replace('1.50', '1500'),
      /tools\[1\]: the hash is not that of the definition of "refund"/,
    ],
    ['a hash that was changed', text.replace(/"hash": "./, '"hash": "x'), /tools\[0\]: the hash/],
    ['a name that was changed', text.replace('"name": "refund"', '"name": "other"'), /the same tool/],
    ['one tool twice', formatPins('ledger', liveTools([other, other])), /"lookup" is pinned twice/],
    ['no schema', formatPins('ledger', liveTools(['{"name":"a"}'])), /"a" has no inputSchema/],
  ]
  for (const [name, changed, problem] of broken) {
    test(`with a problem: ${name}`, () => {
      const pins = readPins(changed)
      assert.ok(pins.kind === 'problems')
      assert.match(pins.problems.join('\n'), problem)
    })
  }
})
