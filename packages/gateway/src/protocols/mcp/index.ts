/**
 * protocols/mcp: MCP clients in front of MCP servers that Sallyport starts. Every tool call is decided and recorded before it is sent,
 * every leaf of every result masked before it leaves.
 *
 * It does not decide, record, or know cards: those are ports (`Gate`, `Masking`). It opens no port. README.md has the way of one call
 * and the table of methods.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28
 */
export { definitionHash, MAX_TOOLS, readToolPage, type ToolPage } from './definitions.ts'
export { createMcp, type Mcp } from './front.ts'
export { probeIsolation, type Probed } from './child/isolation/probe.ts'
export { unisolated } from './child/isolation/unisolated.ts'
export { createToolServers } from './child/supervisor.ts'
export type { McpFrontLimits, McpOptions } from './options.ts'
export { formatPins, type PinnedDefinition, type PinProblems, type Pins, readPins } from './pins.ts'
export type {
  Caller,
  CallRequest,
  LiveTool,
  McpResource,
  ServerAnswer,
  ToolServerProcess,
  ToolServers,
} from './server-port.ts'
export { type EnvironmentValue, type McpBlock, mcpBlock, type McpLimits } from './settings.ts'
