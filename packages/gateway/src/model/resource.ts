/** Something behind the boundary, as the configuration declares it. Protocol settings live with the protocol. */
export type Resource = DatabaseResource | ToolServer

interface Named {
  /** Unique across kinds. */
  readonly name: string
  /** `cde` when it belongs to the cardholder data environment. */
  readonly zone?: string
}

/** A database. */
export interface DatabaseResource extends Named {
  readonly kind: 'postgres'
  /** Tables known and classified when policy was approved, as `schema.name`. */
  readonly tables: readonly string[]
  /** Columns that are declared to hold card data. */
  readonly cardColumns?: readonly CardColumn[]
}

/** A column that is declared to hold card data. */
export interface CardColumn {
  readonly schema: string
  readonly table: string
  readonly column: string
  readonly class: 'pan' | 'sad'
}

/** An MCP server. */
export interface ToolServer extends Named {
  readonly kind: 'mcp'
  /** The tools that were reviewed, in the order of their names. */
  readonly tools: readonly PinnedTool[]
}

/** A tool whose definition was reviewed. */
export interface PinnedTool {
  readonly name: string
  /** SHA-256 (hexadecimal) of the canonical definition (RFC 8785). */
  readonly hash: string
  /** The JSON Schema of its arguments, as text. */
  readonly inputSchema: string
}
