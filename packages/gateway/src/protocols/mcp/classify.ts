import { createHash } from 'node:crypto'
import { type Bytes, canonicalJson, concatBytes, parseJson, toUtf8 } from '#base'
import type { Operation, PinnedTool, Shape } from '#model'
import type { Unread } from './reply.ts'

/** Arguments that a template names at most. */
const MAX_NAMED = 64
/** Shapes that are kept; they are compared by identity, and the same call has the same shape. */
const MAX_SHAPES = 4_096

/** Methods that MCP defines: a record names a method only when it is one of them, for else it is text of the client. */
const knownMethods: ReadonlySet<string> = new Set([
  'completion/complete',
  'logging/setLevel',
  'prompts/get',
  'prompts/list',
  'resources/list',
  'resources/read',
  'resources/subscribe',
  'resources/templates/list',
  'resources/unsubscribe',
  'subscriptions/listen',
  'tasks/cancel',
  'tasks/get',
  'tasks/list',
  'tasks/result',
  'tasks/update',
])

/** Why a request could not be read, in words for its record: none of the client's own. */
const UNREAD: Readonly<Record<Unread, string>> = {
  body: 'its body did not arrive, or is none that is taken',
  message: 'it is no message that may be read',
  version: 'its version of the protocol is not spoken',
  headers: 'its headers do not say what its message says',
  session: 'it names no session that is known',
  params: 'its params are not what the method takes',
}

/** A call as a client asked for it. */
export interface CallFacts {
  readonly tool: string
  /** The JSON text of its arguments, `{}` when it gave none. */
  readonly arguments: string
  /** The names of its arguments. */
  readonly names: readonly string[]
}

/** Tells what is asked of one MCP server: methods and calls become operations. */
export class Classifier {
  readonly #tools: ReadonlyMap<string, PinnedTool>
  /** For each tool the names that its schema knows. */
  readonly #known: ReadonlyMap<string, ReadonlySet<string>>
  readonly #shapes = new Map<string, Shape>()

  constructor(tools: readonly PinnedTool[]) {
    this.#tools = new Map(tools.map((tool) => [tool.name, tool]))
    this.#known = new Map(tools.map((tool) => [tool.name, propertiesOf(tool)]))
  }

  /** The reviewed tool of a name. */
  pinned(name: string): PinnedTool | undefined {
    return this.#tools.get(name)
  }

  /** The call of a reviewed tool; `problem` makes it one that is refused, and recorded as that. */
  call(facts: CallFacts, problem?: string): Operation {
    const tool = this.#tools.get(facts.tool)
    const shape = tool === undefined ? this.#unknownTool(problem) : this.#callShape(tool, facts, problem)
    return { shape, payload: callPayload(facts, tool), arguments: facts.arguments }
  }

  /** A `tools/list`. */
  list(): Operation {
    return { shape: this.#shape('tools/list', {}), payload: methodPayload('tools/list') }
  }

  /** A method that is not passed on. */
  method(name: string): Operation {
    const verb = knownMethods.has(name) ? name : 'unknown method'
    return { shape: this.#shape(verb, { problem: 'the method is not passed on' }), payload: methodPayload(name) }
  }

  /** A request that could not be read. */
  unread(what: Unread): Operation {
    const verb = 'unread request'
    return { shape: this.#shape(verb, { problem: UNREAD[what] }), payload: toUtf8(JSON.stringify({ unread: what })) }
  }

  #unknownTool(problem = 'not found or not allowed'): Shape {
    return this.#shape('tools/call', { problem })
  }

  #callShape(tool: PinnedTool, { names }: CallFacts, problem: string | undefined): Shape {
    const known = this.#known.get(tool.name) ?? new Set<string>()
    const named = names.map((name) => (known.has(name) ? name : '?')).toSorted()
    const shown = named.length > MAX_NAMED ? [...named.slice(0, MAX_NAMED), '…'] : named
    const template = `${tool.name}(${shown.join(', ')})`
    return this.#shape('tools/call', { tool, template, ...(problem === undefined ? {} : { problem }) })
  }

  #shape(verb: string, { tool, template = verb, problem }: ShapeFacts): Shape {
    const key = `${verb}\n${tool?.hash ?? ''}\n${problem ?? ''}\n${template}`
    const cached = this.#shapes.get(key)
    if (cached !== undefined) return cached
    const shape: Shape = {
      verb,
      accesses: tool === undefined ? [] : [{ effect: 'callTool', object: { kind: 'tool', name: tool.name } }],
      template,
      fingerprint: createHash('sha256')
        .update(canonicalJson([verb, template, tool?.hash ?? '']))
        .digest('hex'),
      ...(tool === undefined ? {} : { definition: tool.hash }),
      ...(problem === undefined ? {} : { incomplete: problem }),
    }
    if (this.#shapes.size < MAX_SHAPES) this.#shapes.set(key, shape)
    return shape
  }
}

interface ShapeFacts {
  readonly tool?: PinnedTool
  readonly template?: string
  readonly problem?: string
}

/** The payload of a call: the arguments lie in it as they were written. */
function callPayload({ tool, arguments: text }: CallFacts, pinned: PinnedTool | undefined): Bytes {
  const definition = pinned === undefined ? '' : `"definition":"${pinned.hash}",`
  return concatBytes([toUtf8(`{"tool":${JSON.stringify(tool)},${definition}"arguments":`), toUtf8(text), toUtf8('}')])
}

function methodPayload(method: string): Bytes {
  return toUtf8(JSON.stringify({ method }))
}

/** The names of the arguments that a tool's schema knows. */
function propertiesOf({ inputSchema }: PinnedTool): ReadonlySet<string> {
  const schema = parseJson(inputSchema) as { readonly properties?: unknown }
  const { properties } = schema
  return new Set(typeof properties === 'object' && properties !== null ? Object.keys(properties) : [])
}
