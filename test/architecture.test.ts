/** The walls between the layers, re-derived from the sources (ARCHITECTURE.md). Each failure says which wall and why it stands. */
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { type Layer, layers, packages } from './layers.ts'
import { type Import, nameOf, readSources, root, type Source, type SyntaxNode } from './sources.ts'

const home = 'packages/gateway/src'
const gateway = readSources([home])
const verifier = readSources(['packages/verifier/src'])
const everything = [
  ...gateway,
  ...verifier,
  ...readSources(['packages/gateway/testkit', 'test', 'demo', 'e2e', 'bench']),
]

/** The innermost layer that holds a path below `home`. */
function layerOf(file: string): Layer | undefined {
  return layers
    .filter((layer) => file.startsWith(`${home}/${layer.folder}/`))
    .toSorted((a, b) => b.folder.length - a.folder.length)[0]
}

const at = (source: Source, line: number): string => `${source.file}:${line}`

/** Asserts that nothing was found, listing what was. */
function none(found: readonly string[], rule: string): void {
  assert.equal(found.length, 0, `${rule}:\n${found.map((text) => `  ${text}`).join('\n')}`)
}

function nodesNamed(sources: readonly Source[], pick: (node: SyntaxNode) => string | undefined): string[] {
  return sources.flatMap((source) =>
    source.nodes.flatMap((node) => {
      const name = pick(node)
      return name === undefined ? [] : [`${at(source, source.lineAt(node.start))} ${name}`]
    }),
  )
}

test('the walk finds the sources', () => {
  assert.ok(gateway.length >= 120, `only ${gateway.length} files in ${home}`)
  assert.ok(verifier.length >= 25, `only ${verifier.length} files in packages/verifier/src`)
  assert.ok(gateway.flatMap((source) => source.imports).length >= 300, 'hardly any imports: is the parser blind?')
})

describe('who may import whom', () => {
  test('every layer of the table exists, and every folder is in the table', () => {
    for (const { folder } of layers) {
      assert.ok(
        gateway.some((source) => source.file.startsWith(`${home}/${folder}/`)),
        `${folder} has no sources`,
      )
    }
    none(
      gateway.filter((source) => layerOf(source.file) === undefined).map((source) => source.file),
      'a layer that nobody wrote down in test/layers.ts',
    )
  })

  for (const layer of layers) {
    test(`${layer.folder} imports only ${layer.may.join(', ') || 'itself'}`, () => {
      const own = gateway.filter((source) => layerOf(source.file) === layer && !source.isTest)
      none(
        own.flatMap((source) =>
          source.imports.flatMap((found) => {
            const wrong = objectionTo(found, source, layer)
            return wrong === undefined ? [] : [`${at(source, found.line)} ${wrong}`]
          }),
        ),
        layer.because,
      )
    })
  }

  test('tests reach other layers through their doors', () => {
    none(
      gateway
        .filter((source) => source.isTest)
        .flatMap((source) =>
          source.imports.filter((found) => leaves(found, source)).map((found) => at(source, found.line)),
        ),
      'a relative import out of the layer',
    )
  })

  test('the verifier stands alone', () => {
    none(
      verifier
        .filter((source) => !source.isTest)
        .flatMap((source) =>
          source.imports
            .filter(({ specifier = '(computed)' }) => !/^(\.\/|\.\.\/|node:)/.test(specifier))
            .map((found) => `${at(source, found.line)} ${found.specifier}`),
        ),
      'its reader must need nothing but Node',
    )
    const manifest = readJson('packages/verifier/package.json')
    for (const kind of ['dependencies', 'optionalDependencies', 'peerDependencies'])
      assert.equal(manifest[kind], undefined)
  })

  test('each third-party package is used where its row says, and there', () => {
    const dependencies = Object.keys(readJson('packages/gateway/package.json')['dependencies'] ?? {})
    assert.deepEqual(
      packages.map((row) => row.name).toSorted(),
      dependencies.filter((name) => name !== '@sallyport/verifier').toSorted(),
      'test/layers.ts has one row for each dependency of the gateway',
    )
    for (const row of packages) {
      for (const place of row.in) {
        const users = gateway.filter((source) => !source.isTest && uses(source, row.name) && isIn(source, place))
        assert.ok(users.length > 0, `stale: nothing in ${place} uses ${row.name} any more`)
      }
    }
  })
})

/** What is wrong with an import, or undefined. */
function objectionTo(found: Import, source: Source, layer: Layer): string | undefined {
  const { specifier } = found
  if (specifier === undefined) return 'computed import or URL: name the .ts file, the build turns it into .js'
  if (specifier.startsWith('.')) return leaves(found, source) ? `${specifier} leaves the layer` : undefined
  if (specifier.startsWith('#')) return layer.may.includes(specifier) ? undefined : `imports ${specifier}`
  if (specifier.startsWith('node:')) return layer.isPure === true ? `imports ${specifier} in a pure layer` : undefined
  if (specifier === '@sallyport/verifier') return layer.usesVerifier === true ? undefined : 'imports the verifier'
  const row = packages.find(({ name }) => specifier === name || specifier.startsWith(`${name}/`))
  if (row === undefined) return `imports ${specifier}, which is no dependency of the gateway`
  return row.in.some((place) => isIn(source, place)) ? undefined : `imports ${specifier}: ${row.because}`
}

function leaves(found: Import, source: Source): boolean {
  if (found.specifier?.startsWith('.') !== true) return false
  const from = layerOf(source.file)
  const target = path.posix.join(path.posix.dirname(source.file), found.specifier)
  if (source.isTest && target.startsWith('packages/gateway/testkit/')) return false
  const to = layerOf(target)
  if (to === undefined || from === undefined) return true
  return to !== from && from.reaches?.includes(to.folder) !== true
}

const uses = (source: Source, name: string): boolean =>
  source.imports.some(({ specifier }) => specifier === name || specifier?.startsWith(`${name}/`) === true)

const isIn = (source: Source, place: string): boolean =>
  source.file === `${home}/${place}` || source.file.startsWith(`${home}/${place}/`)

describe('the rings agree with the table', () => {
  for (const layer of layers) {
    test(`${layer.folder}: project references and purity`, () => {
      const folder = `${home}/${layer.folder}`
      const config = readJson(`${folder}/tsconfig.json`)
      const references = (config['references'] ?? []) as readonly { readonly path: string }[]
      const expected = [
        ...layer.may.map((door) => `${home}/${door.slice(1)}`),
        ...(layer.reaches ?? []).map((to) => `${home}/${to}`),
      ]
      if (layer.usesVerifier === true) expected.push('packages/verifier')
      const actual = references.map((reference) => path.posix.join(folder, reference.path))
      // What a layer may name is referenced; app also references what its references need.
      const surplus = layer.folder === 'app' ? [] : actual.filter((project) => !expected.includes(project))
      assert.deepEqual(
        surplus.filter((project) => !isInnerOf(project, expected)),
        [],
        'a reference that the table does not grant',
      )
      assert.deepEqual(
        expected.filter((project) => !actual.includes(project)),
        [],
        'a grant without its reference',
      )
      const options = (config['compilerOptions'] ?? {}) as Record<string, unknown>
      if (layer.isPure === true) assert.deepEqual(options['types'], [], 'a pure layer compiles without any types')
    })
  }

  test('ARCHITECTURE.md has the same table', () => {
    const rows = readFileSync(path.join(root, 'ARCHITECTURE.md'), 'utf8').matchAll(
      /^\| `([\w/]+)` \|.*\| ([^|]*) \|$/gm,
    )
    const told = Object.fromEntries([...rows].map(([, folder = '', may = '']) => [folder, may.replaceAll('`', '')]))
    const doors = layers.filter(({ folder }) => !/^model\/|\/codec$/.test(folder))
    const held = doors.map(({ folder, may, usesVerifier }): readonly [string, string] => {
      const others = may.filter((door) => door !== '#base' && door !== '#model').map((door) => door.slice(1))
      const all = usesVerifier === true ? [...others, 'verifier'] : others
      return [folder, folder === 'app' ? 'everything' : all.join(', ') || '–']
    })
    assert.deepEqual(told, Object.fromEntries(held))
  })

  test('the imports map has one door for each layer, its index.ts', () => {
    const imports = readJson('packages/gateway/package.json')['imports'] as Record<string, Record<string, string>>
    const inner = new Set(['protocols/postgres/codec', 'protocols/mcp/codec', 'cli'])
    const expected = layers.filter(({ folder }) => !inner.has(folder)).map(({ folder }) => `#${folder}`)
    assert.deepEqual(Object.keys(imports).toSorted(), expected.toSorted())
    for (const [door, target] of Object.entries(imports)) {
      assert.deepEqual(target, {
        '@sallyport/source': `./src/${door.slice(1)}/index.ts`,
        default: `./dist/${door.slice(1)}/index.js`,
      })
    }
  })

  test('demo, e2e and bench come in through the same doors', () => {
    const inner = readJson('packages/gateway/package.json')['imports'] as Record<string, Record<string, string>>
    const outer = readJson('package.json')['imports'] as Record<string, Record<string, string>>
    const expected = Object.keys(inner).filter((door) => door !== '#model/mint')
    assert.deepEqual(Object.keys(outer).toSorted(), expected.toSorted())
    for (const [door, target] of Object.entries(outer)) {
      assert.deepEqual(target, { '@sallyport/source': `./packages/gateway/src/${door.slice(1)}/index.ts` })
    }
    none(
      everything
        .filter((source) => /^(demo|e2e|bench)\//.test(source.file))
        .flatMap((source) =>
          source.imports
            .filter(({ specifier = '(computed)' }) =>
              /packages\/\w+\/(?!(src\/)?testkit\/)|^\(computed\)$/.test(specifier),
            )
            .map((found) => `${at(source, found.line)} ${found.specifier}`),
        ),
      'what lies behind a door belongs to the layer',
    )
  })

  test('every project is part of the build', () => {
    const built = (readJson('tsconfig.json')['references'] as readonly { readonly path: string }[]).map((reference) =>
      path.posix.normalize(reference.path),
    )
    const projects = globSync('{packages,test,demo,e2e,bench}/**/tsconfig{,.test}.json', {
      cwd: root,
      exclude: (file) => file.includes('node_modules'),
    })
    for (const project of projects.map((file) => file.split(path.sep).join('/'))) {
      const named = project.endsWith('tsconfig.json') ? path.posix.dirname(project) : project
      assert.ok(built.includes(named), `${project} is missing in tsconfig.json`)
    }
  })
})

/** A project cut out of one that is granted (`model/mint` of `model`) does not count as granted. */
function isInnerOf(project: string, granted: readonly string[]): boolean {
  return granted.some((other) => other !== `${home}/model` && project.startsWith(`${other}/`))
}

describe('doors', () => {
  for (const { folder } of layers.filter((layer) => layer.folder !== 'cli')) {
    test(`${folder}/index.ts only re-exports, by name`, () => {
      const door = gateway.find((source) => source.file === `${home}/${folder}/index.ts`)
      assert.ok(door !== undefined, 'there is no door')
      const program = door.nodes[0]
      assert.ok(program?.type === 'Program' && Array.isArray(program['body']))
      for (const statement of program['body'] as readonly SyntaxNode[]) {
        assert.ok(
          statement.type === 'ExportNamedDeclaration' && statement['source'] !== null,
          `${at(door, door.lineAt(statement.start))} is not a re-export by name`,
        )
      }
      assert.ok(door.text.startsWith('/**'), 'a door opens with what the layer is for')
    })
  }
})

describe('what only one place may do', () => {
  const sources = [...gateway, ...verifier].filter((source) => !source.isTest)

  test('permits are minted by the pipeline', () => {
    const importers = sources.filter((source) => source.imports.some(({ specifier }) => specifier === '#model/mint'))
    assert.ok(importers.length > 0, 'stale: nobody mints')
    none(
      importers.filter((source) => layerOf(source.file)?.folder !== 'pipeline').map(({ file }) => file),
      'mints permits',
    )
    const hops = sources.filter(
      (source) =>
        layerOf(source.file)?.folder !== 'model' &&
        source.imports.some(({ specifier }) => specifier?.endsWith('/permit.ts')),
    )
    assert.deepEqual(
      hops.map(({ file }) => file),
      [`${home}/model/mint/index.ts`],
      'reaches Permit past its door',
    )
  })

  test('the environment is read by configuration and command line', () => {
    const readers = sources.filter((source) => !/\/src\/(app\/config|cli)(\/|\.ts$)/.test(source.file))
    none(
      nodesNamed(readers, (node) => {
        const name = node.type === 'MemberExpression' ? nameOf(node) : undefined
        return name === 'process.env' || name === 'globalThis.process' ? name : undefined
      }),
      'process.env outside app/config and cli',
    )
    none(
      readers.flatMap((source) =>
        source.nodes
          .filter((node) => node.type === 'ImportSpecifier' && nameOf(node['imported']) === 'env')
          .map((node) => at(source, source.lineAt(node.start))),
      ),
      'env imported from node:process',
    )
  })

  test('the time and chance of the machine come in through machine', () => {
    const forbidden = new Set(['Date.now', 'Math.random', 'performance.now', 'process.hrtime', 'process.hrtime.bigint'])
    const asks = (node: SyntaxNode): string | undefined => {
      if (node.type === 'NewExpression') {
        const isNow =
          nameOf(node['callee']) === 'Date' && Array.isArray(node['arguments']) && node['arguments'].length === 0
        return isNow ? 'new Date()' : undefined
      }
      const name = node.type === 'MemberExpression' ? nameOf(node) : undefined
      return name !== undefined && forbidden.has(name) ? name : undefined
    }
    const clocks = [`${home}/machine/clock.ts`]
    for (const file of clocks) {
      const clock = sources.filter((source) => source.file === file)
      assert.ok(nodesNamed(clock, asks).length > 0, `stale: ${file} asks no clock`)
    }
    none(
      nodesNamed(
        sources.filter(({ file }) => !clocks.includes(file)),
        asks,
      ),
      'time and chance are ports: Clock, Ids',
    )
  })

  test('code is imported in the open', () => {
    const tricks = new Set([
      'eval',
      'Function',
      'require',
      'createRequire',
      'process.getBuiltinModule',
      'process.binding',
      'import.meta.resolve',
    ])
    none(
      nodesNamed(sources, (node) => {
        if (node.type === 'CallExpression' || node.type === 'NewExpression') {
          const name = nameOf(node['callee'])
          return name !== undefined && tricks.has(name) ? name : undefined
        }
        const isGlobalByName =
          node.type === 'MemberExpression' && nameOf(node['object']) === 'globalThis' && node['computed'] === true
        return isGlobalByName ? 'globalThis[…]' : undefined
      }),
      'a way around the import table',
    )
  })
})

describe('nobody switches a rule off', () => {
  test('in a comment', () => {
    const switches =
      /\b(eslint|oxlint)-(disable|enable)|@ts-(ignore|nocheck)|prettier-ignore|node:coverage (disable|ignore)|c8 ignore/
    none(
      everything.flatMap((source) =>
        source.comments
          .filter(({ text }) => switches.test(text) && !(source.file === 'test/architecture.test.ts'))
          .map(({ line }) => at(source, line)),
      ),
      'mend the code or the rule',
    )
    none(
      everything
        .filter((source) => !source.isTest)
        .flatMap((source) =>
          source.comments.filter(({ text }) => /@ts-expect-error/.test(text)).map(({ line }) => at(source, line)),
        ),
      'only a test may expect a type error',
    )
  })

  test('no work is left as a note', () => {
    none(
      everything.flatMap((source) =>
        source.comments
          .filter(({ text }) => /\b(TODO|FIXME|XXX|HACK)\b/.test(text))
          .map(({ line }) => at(source, line)),
      ),
      'do it, or write an issue',
    )
  })

  test('a name says what the file is for', () => {
    const empty = /^(utils?|helpers?|common|misc|manager|service)(\.|$)/
    none(
      everything.filter(({ file }) => file.split('/').some((part) => empty.test(part))).map(({ file }) => file),
      'a name for anything is a name for nothing',
    )
  })
})

function readJson(file: string): Record<string, unknown> {
  assert.ok(existsSync(path.join(root, file)), `${file} is missing`)
  return JSON.parse(readFileSync(path.join(root, file), 'utf8')) as Record<string, unknown>
}
