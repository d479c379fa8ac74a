import type { IncomingMessage } from 'node:http'
import type { Json } from '#base'
import type { PinnedTool } from '#model'
import { isObject, membersOf, type RequestMessage, type Span, textOf } from './codec/index.ts'
import type { Params } from './exchange.ts'
import { decodeHeader, mirroredArguments, mismatchedArgument } from './request-headers.ts'
import { type Answer, errorAnswer, INVALID_PARAMS } from './reply.ts'
import { HEADER_MISMATCH, MODERN_VERSION, SUPPORTED_VERSIONS, UNSUPPORTED_VERSION } from './versions.ts'

const PREFIX = 'io.modelcontextprotocol/'

/** The version that a message says it is written in; undefined when it says none, as those up to 2025-11-25 do. */
export function statedVersion({ body, params }: Params): string | undefined {
  return textOf(body, metaOf({ body, ...(params === undefined ? {} : { params }) })?.get(`${PREFIX}protocolVersion`))
}

function metaOf({ body, params }: Params): ReadonlyMap<string, Span> | undefined {
  const meta = params === undefined ? undefined : membersOf(body, params).get('_meta')
  return meta === undefined || !isObject(body, meta) ? undefined : membersOf(body, meta)
}

/** A request without a version, or of one that is not spoken here. */
export function unsupportedVersion(requested: string): Answer {
  const data: Json = { supported: SUPPORTED_VERSIONS, requested }
  return errorAnswer(
    { code: UNSUPPORTED_VERSION, message: 'Unsupported protocol version', data, unread: 'version' },
    400,
  )
}

/** What is wrong with a request of 2026-07-28, besides what it asks for. */
export function problemOf(
  request: IncomingMessage,
  message: RequestMessage,
  params: Params,
  pinned: (name: string) => PinnedTool | undefined,
): Answer | undefined {
  const meta = metaOf(params)
  const version = textOf(params.body, meta?.get(`${PREFIX}protocolVersion`))
  const capabilities = meta?.get(`${PREFIX}clientCapabilities`)
  if (version === undefined || capabilities === undefined || !isObject(params.body, capabilities)) {
    // MCP 2026-07-28, Per-request protocol fields: "the server MUST reject it with JSON-RPC error code -32602 … 400 Bad Request".
    const message = `params._meta must have ${PREFIX}protocolVersion and ${PREFIX}clientCapabilities`
    return errorAnswer({ code: INVALID_PARAMS, message, unread: 'params' }, 400)
  }
  const wrong = wrongHeader(request, message, params, version)
  if (wrong !== undefined) return mismatch(wrong)
  if (version !== MODERN_VERSION) return unsupportedVersion(version)
  const argument = wrongArgument(request, message, params, pinned)
  return argument === undefined ? undefined : mismatch(argument)
}

/** MCP 2026-07-28, Server Validation: what a header says must be what the body says. The values are named in neither. */
function mismatch(header: string): Answer {
  return errorAnswer(
    {
      code: HEADER_MISMATCH,
      message: `Header mismatch: ${header} is missing or is not what the body says`,
      unread: 'headers',
    },
    400,
  )
}

function wrongHeader(
  { headers }: IncomingMessage,
  { method }: RequestMessage,
  { body, params }: Params,
  version: string,
): string | undefined {
  if (headers['mcp-protocol-version'] !== version) return 'MCP-Protocol-Version'
  if (headers['mcp-method'] !== method) return 'Mcp-Method'
  if (method !== 'tools/call') return undefined
  const name = headers['mcp-name']
  const expected = params === undefined ? undefined : textOf(body, membersOf(body, params).get('name'))
  return typeof name === 'string' && expected !== undefined && decodeHeader(name) === expected ? undefined : 'Mcp-Name'
}

function wrongArgument(
  request: IncomingMessage,
  { method }: RequestMessage,
  { body, params }: Params,
  pinned: (name: string) => PinnedTool | undefined,
): string | undefined {
  if (method !== 'tools/call' || params === undefined) return undefined
  const members = membersOf(body, params)
  const tool = pinned(textOf(body, members.get('name')) ?? '')
  if (tool === undefined) return undefined
  return mismatchedArgument(request, mirroredArguments(tool), body, members.get('arguments'))
}
