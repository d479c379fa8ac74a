import type { IncomingMessage } from 'node:http'
import { type Bytes, fromUtf8, parseJson, parseUtf8 } from '#base'
import type { PinnedTool } from '#model'
import { membersOf, isObject, type Span, textOf } from './codec/index.ts'

/** An argument that a tool's schema wants mirrored in a header. */
interface MirroredArgument {
  /** `mcp-param-…`, in lower case. */
  readonly header: string
  /** The names that lead to it from the arguments. */
  readonly path: readonly string[]
}

const SENTINEL = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/
const MAX_DEPTH = 16

/** Decodes the base64 sentinel of a header's value; undefined for one that is broken. */
export function decodeHeader(value: string): string | undefined {
  if (!value.startsWith('=?base64?') || !value.endsWith('?=')) return value
  const encoded = SENTINEL.exec(value)?.[1]
  return encoded === undefined ? undefined : parseUtf8(Buffer.from(encoded, 'base64'))
}

const known = new WeakMap<PinnedTool, readonly MirroredArgument[]>()

/** The arguments that a tool's schema wants mirrored (`x-mcp-header`). */
export function mirroredArguments(tool: PinnedTool): readonly MirroredArgument[] {
  const mirrored = known.get(tool) ?? annotated(parseJson(tool.inputSchema), [])
  known.set(tool, mirrored)
  return mirrored
}

/** "Statically reachable from the schema root: reachable via a chain consisting solely of properties keys." */
function annotated(schema: unknown, path: readonly string[]): MirroredArgument[] {
  if (!isRecord(schema) || path.length > MAX_DEPTH) return []
  const name = schema['x-mcp-header']
  const own = typeof name === 'string' && path.length > 0 ? [{ header: `mcp-param-${name.toLowerCase()}`, path }] : []
  const { properties } = schema
  if (!isRecord(properties)) return own
  return [...own, ...Object.entries(properties).flatMap(([key, inner]) => annotated(inner, [...path, key]))]
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * The first header that does not say what the arguments say. MCP 2026-07-28, Server Behavior for Custom Headers: "Any server that processes
 * the message body MUST validate that encoded header values, after decoding if Base64-encoded, match the corresponding values in the request
 * body"; an argument that is absent or null must have none.
 */
export function mismatchedArgument(
  request: IncomingMessage,
  mirrored: readonly MirroredArgument[],
  body: Bytes,
  args: Span | undefined,
): string | undefined {
  return mirrored.find(({ header, path }) => {
    const value = request.headers[header]
    const expected = valueAt(body, args, path)
    if (expected === undefined) return value !== undefined
    return typeof value !== 'string' || !saysSame(decodeHeader(value), expected)
  })?.header
}

/** A string as text, any other scalar as it is written; undefined when there is none, or null. */
function valueAt(body: Bytes, args: Span | undefined, path: readonly string[]): string | undefined {
  let at = args
  for (const name of path) {
    if (at === undefined || !isObject(body, at)) return undefined
    at = membersOf(body, at).get(name)
  }
  if (at === undefined) return undefined
  const written = textOf(body, at) ?? fromUtf8(body.subarray(at.start, at.end))
  return written === 'null' && textOf(body, at) === undefined ? undefined : written
}

/** "Servers SHOULD compare the header value and the body value numerically rather than as strings." */
function saysSame(header: string | undefined, body: string): boolean {
  if (header === undefined) return false
  if (header === body) return true
  const [a, b] = [Number(header), Number(body)]
  return /^-?\d/.test(header) && /^-?\d/.test(body) && Number.isSafeInteger(a) && a === b
}
