import { mcpBlock } from '#protocols/mcp'
import { postgresBlock } from '#protocols/postgres'

/** The protocols that Sallyport speaks, by the key of their block in a resource: one line each. */
export const protocols = [
  { name: 'postgres', settings: postgresBlock },
  { name: 'mcp', settings: mcpBlock },
] as const
