/** The checkout's sources, parsed: what the tests of this folder reason about. */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parseSync } from 'oxc-parser'

export const root: string = path.resolve(import.meta.dirname, '..')

/** A node of the syntax tree (ESTree with TypeScript's nodes). */
export interface SyntaxNode {
  readonly type: string
  readonly start: number
  readonly [member: string]: unknown
}

export interface Import {
  /** What stands between the quotes; undefined when it is computed. */
  readonly specifier: string | undefined
  readonly line: number
  /** Whether the code asks for it at run time by itself: `import()`, `new URL(…, import.meta.url)`. */
  readonly isDynamic: boolean
}

interface Comment {
  readonly text: string
  readonly line: number
}

export interface Source {
  /** From the checkout's root, with forward slashes. */
  readonly file: string
  /** A test, or what only tests use (`testkit/`). */
  readonly isTest: boolean
  readonly text: string
  readonly imports: readonly Import[]
  readonly comments: readonly Comment[]
  readonly nodes: readonly SyntaxNode[]
  /** 1-based line of an offset. */
  lineAt(offset: number): number
}

/** Every TypeScript and JavaScript source below the given folders. */
export function readSources(folders: readonly string[]): Source[] {
  const files = folders.flatMap((folder) => globSync(`${folder}/**/*.{ts,mts,mjs,js}`, { cwd: root }))
  return files
    .map((file) => file.split(path.sep).join('/'))
    .filter((file) => !/(^|\/)(node_modules|dist|\.cache)\//.test(file))
    .toSorted((a, b) => a.localeCompare(b))
    .map(readSource)
}

function readSource(file: string): Source {
  const text = readFileSync(path.join(root, file), 'utf8')
  const parsed = parseSync(file, text)
  const [problem] = parsed.errors
  if (problem !== undefined) throw new Error(`${file}: ${problem.message}`)
  const lineAt = (offset: number): number => text.slice(0, offset).split('\n').length
  const nodes = [...walk(parsed.program)]
  return {
    file,
    isTest: file.endsWith('.test.ts') || file.includes('/testkit/'),
    text,
    imports: nodes.flatMap((node) => importsOf(node, lineAt)),
    comments: parsed.comments.map((comment) => ({ text: comment.value.trim(), line: lineAt(comment.start) })),
    nodes,
    lineAt,
  }
}

function* walk(value: unknown): Generator<SyntaxNode> {
  if (Array.isArray(value)) {
    for (const item of value) yield* walk(item)
  } else if (isNode(value)) {
    yield value
    for (const member of Object.values(value)) yield* walk(member)
  }
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

function importsOf(node: SyntaxNode, lineAt: (offset: number) => number): Import[] {
  const line = lineAt(node.start)
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportAllDeclaration':
    case 'TSImportType':
    case 'ImportExpression':
      return [{ specifier: textOf(node['source']), line, isDynamic: node.type === 'ImportExpression' }]
    case 'ExportNamedDeclaration':
      return isNode(node['source']) ? [{ specifier: textOf(node['source']), line, isDynamic: false }] : []
    case 'NewExpression': {
      const [first, second] = Array.isArray(node['arguments']) ? (node['arguments'] as readonly unknown[]) : []
      const isOwnFile = nameOf(node['callee']) === 'URL' && nameOf(second) === 'import.meta.url'
      return isOwnFile ? [{ specifier: textOf(first), line, isDynamic: true }] : []
    }
    default:
      return []
  }
}

/** The value of a plain string. */
function textOf(node: unknown): string | undefined {
  return isNode(node) && node.type === 'Literal' && typeof node['value'] === 'string' ? node['value'] : undefined
}

/** `a.b.c` for a chain of plain or quoted members, else undefined. */
export function nameOf(node: unknown): string | undefined {
  if (!isNode(node)) return undefined
  if (node.type === 'Identifier') return typeof node['name'] === 'string' ? node['name'] : undefined
  if (node.type === 'MetaProperty') return 'import.meta'
  if (node.type !== 'MemberExpression') return undefined
  const object = nameOf(node['object'])
  const property = node['computed'] === true ? textOf(node['property']) : nameOf(node['property'])
  return object === undefined || property === undefined ? undefined : `${object}.${property}`
}
