import { isNode, type Document, LineCounter, parseDocument } from 'yaml'
import type { z } from 'zod'
import { GatewayError } from '#model'

/** One thing wrong with a configuration file, where it stands. */
export interface Problem {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
}

/** A parsed YAML file that can say where things stand. */
export class YamlSource {
  readonly file: string
  readonly #document: Document.Parsed
  readonly #lines: LineCounter

  constructor(file: string, text: string) {
    this.file = file
    this.#lines = new LineCounter()
    this.#document = parseDocument(text, { lineCounter: this.#lines, uniqueKeys: true, version: '1.2' })
  }

  /** Errors of YAML itself. */
  syntaxProblems(): readonly Problem[] {
    return this.#document.errors.map((error) =>
      this.#problem(error.pos[0], error.message.split('\n')[0] ?? error.message),
    )
  }

  /** The plain value; aliases are expanded at most 100 times. */
  value(): unknown {
    return this.#document.toJS({ maxAliasCount: 100 })
  }

  /** A problem at a path; where the path itself is not there, at the nearest part of it that is. */
  problemAt(path: readonly PropertyKey[], message: string): Problem {
    for (let length = path.length; length > 0; length--) {
      const offset = this.#offset(path.slice(0, length))
      if (offset !== undefined) return this.#problem(offset, message)
    }
    return this.#problem(0, message)
  }

  /** A problem with what stands at a path, which its words name. */
  problemOf(path: readonly PropertyKey[], message: string): Problem {
    return this.problemAt(path, `${where(path)}: ${message}`)
  }

  #offset(path: readonly PropertyKey[]): number | undefined {
    const key = path.at(-1)
    const parent: unknown = path.length === 1 ? this.#document.contents : this.#document.getIn(path.slice(0, -1), true)
    const pair =
      typeof parent === 'object' && parent !== null && 'items' in parent && Array.isArray(parent.items)
        ? parent.items
        : []
    for (const item of pair as readonly unknown[]) {
      if (
        typeof item === 'object' &&
        item !== null &&
        'key' in item &&
        isNode(item.key) &&
        String(item.key) === String(key)
      )
        return item.key.range?.[0]
    }
    const node: unknown = this.#document.getIn(path, true)
    return isNode(node) ? node.range?.[0] : undefined
  }

  #problem(offset: number, message: string): Problem {
    const { line, col } = this.#lines.linePos(offset)
    return { file: this.file, line, column: col, message }
  }
}

/** Keys under which people are tempted to write a secret. */
const SECRET_KEYS = new Set(['password', 'clientSecret', 'masterKey'])

/** Turns the schema's findings into problems with places and words. */
export function schemaProblems(source: YamlSource, issues: readonly z.core.$ZodIssue[]): readonly Problem[] {
  return issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) =>
        source.problemAt([...issue.path, key], `unknown key "${key}" in ${where(issue.path)}`),
      )
    }
    const key = String(issue.path.at(-1))
    if (SECRET_KEYS.has(key) && issue.code === 'invalid_type') {
      return [
        source.problemAt(
          issue.path,
          `a literal secret is refused: write "${key}: { from: vault:NAME }" and run: sallyport secret set NAME`,
        ),
      ]
    }
    return [source.problemOf(issue.path, issue.message)]
  })
}

function where(path: readonly PropertyKey[]): string {
  return path.length === 0 ? 'the file' : path.map(String).join('.')
}

/** Formats a problem as compilers do: `file:line:column: message`. */
export function formatProblem(problem: Problem): string {
  return `${problem.file}:${problem.line}:${problem.column}: ${problem.message}`
}

/** The error for what is wrong with a configuration, a line each. */
export function invalid(problems: readonly Problem[]): GatewayError {
  return new GatewayError('SP_CONFIG_INVALID', problems.map(formatProblem).join('\n'))
}
