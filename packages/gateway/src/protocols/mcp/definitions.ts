import { createHash } from 'node:crypto'
import { type Bytes, fromUtf8, parseJson } from '#base'
import { GatewayError } from '#model'
import { elementsOf, isArray, isObject, membersOf, type Span, textOf } from './codec/index.ts'
import { canonicalForm } from './jcs.ts'
import type { LiveTool } from './server-port.ts'

/** A page of a server's tools. */
export interface ToolPage {
  readonly tools: readonly LiveTool[]
  /** What asks for the next page, when there is one. */
  readonly nextCursor?: string
}

/** Tools that one server may define, over all pages. */
export const MAX_TOOLS = 2_000
const MAX_NAME_LENGTH = 128

/**
 * Reads the result of a server's `tools/list`, which the codec has checked. A tool without a proper name or without a canonical form is left
 * out: it can be neither pinned nor called.
 *
 * @throws {GatewayError} `SP_TOOL_SERVER_FAILED` when it is no list.
 */
export function readToolPage(result: Bytes): ToolPage {
  const whole: Span = { start: 0, end: result.length }
  const members = isObject(result, whole) ? membersOf(result, whole) : new Map<string, Span>()
  const list = members.get('tools')
  if (list === undefined || !isArray(result, list)) {
    throw new GatewayError('SP_TOOL_SERVER_FAILED', 'the answer to tools/list is no list of tools')
  }
  const spans = elementsOf(result, list)
  if (spans.length > MAX_TOOLS) {
    throw new GatewayError('SP_TOOL_SERVER_FAILED', `the server defines more than ${MAX_TOOLS} tools`)
  }
  const tools = spans.flatMap((span) => readTool(result.slice(span.start, span.end)) ?? [])
  const nextCursor = textOf(result, members.get('nextCursor'))
  return nextCursor === undefined ? { tools } : { tools, nextCursor }
}

/** Reads one definition; undefined when it is none. */
export function readTool(definition: Bytes): LiveTool | undefined {
  const whole: Span = { start: 0, end: definition.length }
  if (!isObject(definition, whole)) return undefined
  const name = textOf(definition, membersOf(definition, whole).get('name'))
  if (name === undefined || name === '' || name.length > MAX_NAME_LENGTH) return undefined
  const hash = definitionHash(definition)
  return hash === undefined ? undefined : { name, definition, hash }
}

/** SHA-256 (hexadecimal) of the canonical form of a definition: all of it, so that no part can change unseen; undefined when it has none. */
export function definitionHash(definition: Bytes): string | undefined {
  try {
    return createHash('sha256')
      .update(canonicalForm(parseJson(fromUtf8(definition))))
      .digest('hex')
  } catch {
    return undefined
  }
}
