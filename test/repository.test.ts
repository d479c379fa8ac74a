/** What a reader may rely on in this repository: papers of a readable length, doors that are documented, nothing private committed. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { layers } from './layers.ts'
import { isNode, readSources, root, type Source, type SyntaxNode } from './sources.ts'

const papers = [
  { file: 'README.md', maxLines: 200 },
  { file: 'ARCHITECTURE.md', maxLines: 160 },
  { file: 'CONTRIBUTING.md', maxLines: 200 },
  { file: 'SECURITY.md', maxLines: 120 },
  { file: 'CHANGELOG.md', maxLines: 2000 },
  { file: 'LICENSE', maxLines: 210 },
]

for (const { file, maxLines } of papers) {
  test(`${file} exists and has at most ${maxLines} lines`, () => {
    assert.ok(existsSync(path.join(root, file)), `${file} is missing`)
    const lines = readFileSync(path.join(root, file), 'utf8').trimEnd().split('\n').length
    assert.ok(lines <= maxLines, `${lines} lines`)
  })
}

test('links between the papers lead somewhere', () => {
  const files = globSync(['*.md', 'docs/**/*.md', 'packages/*/*.md', 'packages/*/src/**/*.md'], { cwd: root })
  const broken = files.flatMap((file) =>
    [...readFileSync(path.join(root, file), 'utf8').matchAll(/\]\(([^)\s#]+)(?:#[^)\s]*)?\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => !existsSync(path.join(root, path.dirname(file), decodeURI(target))))
      .map((target) => `${file} → ${target}`),
  )
  assert.deepEqual(broken, [])
})

test('every file that ARCHITECTURE.md names is there', () => {
  const folders = ['', 'packages/gateway/src']
  const text = readFileSync(path.join(root, 'ARCHITECTURE.md'), 'utf8')
    .replaceAll('`P/', '`protocols/postgres/')
    .replaceAll('`M/', '`protocols/mcp/')
  const named = [...text.matchAll(/`([\w./-]+(?:\.ts|\/))`/g)].map(([, name = '']) => name)
  const missing = named.filter((name) => !folders.some((folder) => existsSync(path.join(root, folder, name))))
  assert.ok(named.length > 30)
  assert.deepEqual(missing, [])
})

test('nothing committed was made by a build or belongs to one machine', () => {
  const files = committed()
  if (files.length === 0) return
  const strays = files.filter((file) =>
    /(^|\/)(node_modules|dist|\.cache|\.env)(\/|$)|\.(log|tgz|pem|key|sqlite|db)$/.test(file),
  )
  assert.deepEqual(
    strays.filter((file) => !file.startsWith('testdata/')),
    [],
  )
})

describe('what crosses a layer says what it is', () => {
  const sources = readSources(['packages/gateway/src', 'packages/verifier/src'])
  const doors = [
    ...layers.map(({ folder }) => `packages/gateway/src/${folder}/index.ts`),
    'packages/verifier/src/index.ts',
  ]
  const exported = doors
    .flatMap((file) => sources.filter((source) => source.file === file))
    .flatMap((door) => exportsOf(door))

  test('the doors are found', () => {
    assert.ok(exported.length > 100, `only ${exported.length} exports`)
  })

  test('every exported function, class, constant and type has a comment', () => {
    const bare = exported.flatMap(({ from, name }) => {
      const source = sources.find(({ file }) => file === from)
      const declaration = source?.nodes.find((node) => declares(node, name))
      if (source === undefined || declaration === undefined) return [`${from} does not declare ${name}`]
      return isDocumented(source, declaration) ? [] : [`${from}:${source.lineAt(declaration.start)} ${name}`]
    })
    assert.deepEqual([...new Set(bare)], [])
  })
})

/** The names that a door re-exports from files beside it. */
function exportsOf(door: Source): { readonly from: string; readonly name: string }[] {
  return door.nodes
    .filter((node) => node.type === 'ExportNamedDeclaration' && isNode(node['source']))
    .flatMap((node) => {
      const specifier = String((node['source'] as SyntaxNode)['value'])
      if (!specifier.startsWith('.')) return []
      const from = path.posix.join(path.posix.dirname(door.file), specifier)
      if (from.endsWith('/index.ts')) return []
      return (node['specifiers'] as readonly SyntaxNode[]).map((one) => ({
        from,
        name: String((one['local'] as SyntaxNode)['name']),
      }))
    })
}

function declares(node: SyntaxNode, name: string): boolean {
  if (node.type !== 'ExportNamedDeclaration' || !isNode(node['declaration'])) return false
  const { declaration } = node as unknown as { readonly declaration: SyntaxNode }
  const names =
    declaration.type === 'VariableDeclaration'
      ? (declaration['declarations'] as readonly SyntaxNode[]).map((one) => one['id'])
      : [declaration['id']]
  return names.some((id) => isNode(id) && id['name'] === name)
}

/** Whether a doc comment ends right above a declaration. */
function isDocumented(source: Source, declaration: SyntaxNode): boolean {
  return source.text.slice(0, declaration.start).trimEnd().endsWith('*/')
}

/** Files that git tracks; none where this is no git checkout (a source archive). */
function committed(): string[] {
  const { status, stdout } = spawnSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' })
  return status === 0 ? stdout.split('\n').filter((file) => file !== '' && existsSync(path.join(root, file))) : []
}
