import { fromUtf8, toUtf8 } from '#base'
import type { PinnedTool } from '#model'
import { answerLimits, checkJson, elementsOf, isArray, isObject, membersOf, textOf, WireError } from './codec/index.ts'
import { MAX_TOOLS, readTool } from './definitions.ts'
import { indent } from './indent.ts'
import type { LiveTool } from './server-port.ts'

const API_VERSION = 'sallyport/v1'
const MAX_PINS_BYTES = 16 << 20

/** What a file of pins says. */
export interface Pins {
  readonly kind: 'pins'
  readonly server: string
  /** In the order of their names. */
  readonly tools: readonly PinnedDefinition[]
}

/** A reviewed tool with the definition that was reviewed. */
export interface PinnedDefinition extends PinnedTool {
  /** The JSON text of the whole definition. */
  readonly definition: string
}

/** Why a file of pins is none, in words for whoever keeps it. */
export interface PinProblems {
  readonly kind: 'problems'
  readonly problems: readonly string[]
}

/**
 * Reads `policy/<server>.tools.json`. A hash that is not that of the definition beside it is a problem: one of them was changed without the
 * other, and what was reviewed is not known.
 */
export function readPins(text: string): Pins | PinProblems {
  const bytes = toUtf8(text)
  try {
    const whole = checkJson(bytes, answerLimits(MAX_PINS_BYTES))
    return new PinReader(bytes).read(isObject(bytes, whole) ? membersOf(bytes, whole) : new Map())
  } catch (error) {
    if (error instanceof WireError)
      return { kind: 'problems', problems: [`not the JSON it should be: ${error.message}`] }
    throw error
  }
}

/** Writes a file of pins: sorted by name, the definitions as the server wrote them but for white space. */
export function formatPins(server: string, tools: readonly LiveTool[]): string {
  const entries = tools
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(
      ({ name, hash, definition }) =>
        `{"name":${JSON.stringify(name)},"hash":"${hash}","definition":${fromUtf8(definition)}}`,
    )
  const head = `"apiVersion":"${API_VERSION}","server":${JSON.stringify(server)}`
  return `${indent(toUtf8(`{${head},"tools":[${entries.join(',')}]}`))}\n`
}

type Members = ReadonlyMap<string, { readonly start: number; readonly end: number }>

class PinReader {
  readonly #bytes: Uint8Array
  readonly #problems: string[] = []

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  read(members: Members): Pins | PinProblems {
    const [version, server, list] = [
      this.#text(members, 'apiVersion'),
      this.#text(members, 'server'),
      members.get('tools'),
    ]
    if (version !== API_VERSION) this.#problems.push(`apiVersion must be "${API_VERSION}"`)
    if (server === undefined) this.#problems.push('server must name the resource')
    if (list === undefined || !isArray(this.#bytes, list)) this.#problems.push('tools must be a list')
    const spans = list !== undefined && isArray(this.#bytes, list) ? elementsOf(this.#bytes, list) : []
    if (spans.length > MAX_TOOLS) return { kind: 'problems', problems: [`more than ${MAX_TOOLS} tools`] }
    const tools = spans.flatMap((span, index) => {
      const entry = isObject(this.#bytes, span) ? membersOf(this.#bytes, span) : new Map()
      return this.#tool(entry, `tools[${index}]`) ?? []
    })
    const names = tools.map(({ name }) => name)
    for (const name of new Set(names.filter((each, index) => names.indexOf(each) !== index))) {
      this.#problems.push(`the tool ${JSON.stringify(name)} is pinned twice`)
    }
    if (this.#problems.length > 0 || server === undefined) return { kind: 'problems', problems: this.#problems }
    return { kind: 'pins', server, tools: tools.toSorted((a, b) => (a.name < b.name ? -1 : 1)) }
  }

  #tool(entry: Members, where: string): PinnedDefinition | undefined {
    const [name, hash, span] = [this.#text(entry, 'name'), this.#text(entry, 'hash'), entry.get('definition')]
    const definition = span === undefined ? undefined : this.#bytes.slice(span.start, span.end)
    const tool = definition === undefined ? undefined : readTool(definition)
    if (definition === undefined || tool === undefined || tool.name !== name) {
      this.#problems.push(`${where}: name, hash and definition must be there and about the same tool`)
      return undefined
    }
    if (tool.hash !== hash) {
      this.#problems.push(`${where}: the hash is not that of the definition of ${JSON.stringify(name)}: pin it again`)
      return undefined
    }
    const schema = membersOf(definition, { start: 0, end: definition.length }).get('inputSchema')
    if (schema === undefined || !isObject(definition, schema)) {
      this.#problems.push(`${where}: the definition of ${JSON.stringify(name)} has no inputSchema`)
      return undefined
    }
    const inputSchema = fromUtf8(definition.subarray(schema.start, schema.end))
    return { name, hash, inputSchema, definition: fromUtf8(definition) }
  }

  #text(members: Members, name: string): string | undefined {
    return textOf(this.#bytes, members.get(name))
  }
}
