import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { definitionHash, formatPins } from '#protocols/mcp'
import { checkConfig, loadConfig, withPins } from './load.ts'
import { formatProblem } from './problems.ts'

const VALID = `apiVersion: sallyport/v1
identity:
  oidc: { issuer: "https://idp.example.com", clientId: sallyport }
  workloads:
    - { name: ci, issuer: "https://ci.example.com", audience: sallyport, claims: { sub: ci }, groups: [ci] }
groups: [support, ci]
resources:
  - name: cards
    zone: cde
    tables: [public.customers]
    postgres:
      host: db.internal
      database: cards
      user: app
      password: { from: vault:cards }
masking:
  columns: { cards.public.customers.pan: pan }
`

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-config-'))
  t.after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

function problemsOf(t: TestContext, text: string): readonly string[] {
  const folder = temporaryFolder(t)
  const file = join(folder, 'sallyport.yaml')
  writeFileSync(file, text)
  const found = checkConfig(file)
  return 'problems' in found ? found.problems.map((problem) => formatProblem(problem).replace(`${file}:`, '')) : []
}

test('a valid file has no problems and gets its defaults', (t) => {
  assert.deepEqual(problemsOf(t, VALID), [])
})

const LEDGER =
  '  - { name: ledger, zone: cde, mcp: { command: [node, server.js], code: [ledger], database: cards } }\nmasking:'

test('an MCP server has the tools that are pinned beside the policy, and none without', (t) => {
  const folder = temporaryFolder(t)
  const file = join(folder, 'sallyport.yaml')
  writeFileSync(file, VALID.replace('masking:', LEDGER))
  const toolsOf = (): unknown => {
    const found = checkConfig(file)
    if ('problems' in found) return found.problems.map(({ message }) => message)
    const resource = found.config.resources.find((entry) => entry.resource.name === 'ledger')?.resource
    return resource?.kind === 'mcp' ? resource.tools.map(({ name }) => name) : undefined
  }
  assert.deepEqual(toolsOf(), [])
  const definition = Buffer.from('{"name":"refund","inputSchema":{"type":"object"}}')
  const hash = definitionHash(definition) ?? ''
  mkdirSync(join(folder, 'policy'))
  const pins = join(folder, 'policy/ledger.tools.json')
  writeFileSync(pins, formatPins('ledger', [{ name: 'refund', definition, hash }]))
  assert.deepEqual(toolsOf(), ['refund'])
  writeFileSync(pins, formatPins('other', [{ name: 'refund', definition, hash }]))
  assert.deepEqual(toolsOf(), ['it holds the tools of "other", not of "ledger"'])
  writeFileSync(pins, formatPins('ledger', [{ name: 'refund', definition, hash: hash.replace(/^./, 'x') }]))
  assert.match(String(toolsOf()), /the hash is not that of the definition/)
})

test('pins are read again without the rest; a resource whose pins are the same is the same', (t) => {
  const folder = temporaryFolder(t)
  const file = join(folder, 'sallyport.yaml')
  writeFileSync(file, VALID.replace('masking:', LEDGER))
  const config = loadConfig(file)
  assert.deepEqual(withPins(config).resources, config.resources)
  for (const [index, entry] of withPins(config).resources.entries()) assert.equal(entry, config.resources[index])
  const definition = Buffer.from('{"name":"refund","inputSchema":{"type":"object"}}')
  const hash = definitionHash(definition) ?? ''
  mkdirSync(join(folder, 'policy'))
  const pins = join(folder, 'policy/ledger.tools.json')
  writeFileSync(pins, formatPins('ledger', [{ name: 'refund', definition, hash }]))
  const pinned = withPins(config)
  const [cards, ledger] = pinned.resources
  assert.equal(cards, config.resources[0])
  assert.ok(ledger?.resource.kind === 'mcp')
  assert.deepEqual(
    ledger.resource.tools.map(({ name }) => name),
    ['refund'],
  )
  assert.equal(withPins(pinned).resources[1], ledger)
  writeFileSync(pins, '{}')
  assert.throws(() => withPins(pinned), { code: 'SP_CONFIG_INVALID', message: /ledger\.tools\.json/ })
})

const cases: readonly { readonly name: string; readonly from: string; readonly to: string; readonly expect: RegExp }[] =
  [
    {
      name: 'an unknown key at the top',
      from: 'groups: [support',
      to: 'grups: [a]\ngroups: [support',
      expect: /^6:1: .*"grups"/,
    },
    {
      name: 'an unknown key deep inside',
      from: '      database: cards',
      to: '      databse: x\n      database: cards',
      expect: /^13:7: .*"databse"/,
    },
    {
      name: 'a literal password',
      from: '{ from: vault:cards }',
      to: 'hunter2',
      expect: /^15:7: a literal secret is refused/,
    },
    {
      name: 'a literal client secret',
      from: 'clientId: sallyport }',
      to: 'clientId: sallyport, clientSecret: abc }',
      expect: /^3:\d+: a literal secret/,
    },
    { name: 'a secret of an unknown kind', from: 'vault:cards', to: 'ftp:cards', expect: /^15:19: .*vault:NAME/ },
    {
      name: 'two resources of one name',
      from: 'masking:',
      to: '  - { name: cards, postgres: { host: a.internal, database: b, user: c, password: { from: env:P } } }\nmasking:',
      expect: /^16:7: two resources/,
    },
    {
      name: 'an MCP server whose database is none',
      from: 'masking:',
      to: '  - { name: ledger, mcp: { command: [node, server.js], code: [ledger], database: crads } }\nmasking:',
      expect: /no PostgreSQL resource is named "crads"/,
    },
    {
      name: 'an MCP server with tables',
      from: 'masking:',
      to: '  - { name: ledger, tables: [public.x], mcp: { command: [node], code: [ledger] } }\nmasking:',
      expect: /an MCP server has no tables/,
    },
    {
      name: 'a resource without a protocol',
      from: 'masking:',
      to: '  - { name: other }\nmasking:',
      expect: /needs exactly one of: postgres/,
    },
    {
      name: 'a declared column of an unlisted table',
      from: 'public.customers.pan',
      to: 'public.custmers.pan',
      expect: /^17:14: .*no resource lists/,
    },
    {
      name: 'a workload in an unknown group',
      from: 'groups: [ci]',
      to: 'groups: [cj]',
      expect: /group "cj" is not listed/,
    },
    {
      name: 'an open listener without TLS',
      from: 'groups: [support',
      to: 'listen: { postgres: "0.0.0.0:5432" }\ngroups: [support',
      expect: /not loopback, so listen.tls is needed/,
    },
    {
      name: 'a public address over http',
      from: 'groups: [support',
      to: 'publicUrl: http://sallyport.example.com\ngroups: [support',
      expect: /by https/,
    },
    {
      name: 'a key given twice',
      from: 'groups: [support',
      to: 'apiVersion: sallyport/v1\ngroups: [support',
      expect: /unique/,
    },
    { name: 'text that is no YAML', from: VALID, to: 'a: [', expect: /^1:\d/ },
    { name: 'an empty file', from: VALID, to: '', expect: /the file/ },
  ]
for (const { name, from, to, expect } of cases) {
  test(`refused with its place: ${name}`, (t) => {
    const problems = problemsOf(t, VALID.replace(from, to))
    assert.match(problems.join('\n'), expect)
    assert.ok(!problems.join('\n').includes('hunter2'), 'a problem must not repeat a secret')
  })
}
