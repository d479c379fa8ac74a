import { z } from 'zod'

/** The `mcp` block of a resource in `sallyport.yaml`: an MCP server that speaks on its standard input and output. */
export interface McpBlock {
  /** What is started, as a list of arguments; no shell reads it. */
  readonly command: readonly string[]
  /** Folders of the server's code and of what it imports, relative to the configuration; the server sees them read-only, and nothing else. */
  readonly code: readonly string[]
  /** The database that its SQL goes to. */
  readonly database?: string | undefined
  /** What its environment holds besides the address of its database. */
  readonly environment: Readonly<Record<string, EnvironmentValue>>
  /** What parts it from the machine and from other servers. */
  readonly isolation: 'namespaces' | 'none'
  readonly limits: McpLimits
}

/** A literal, or where a secret lies. */
export type EnvironmentValue = string | { readonly from: string }

/** What one server process may use. */
export interface McpLimits {
  readonly memoryMb: number
  /** From its start to its answer to `initialize`. */
  readonly startSeconds: number
  /** For one tool call: waiting for its turn and running. */
  readonly callSeconds: number
  /** After its last call it is ended. */
  readonly idleMinutes: number
  /** One answer; what is larger is not searched for card data, and so does not leave. */
  readonly outputBytes: number
  /** Calls of one caller that wait. */
  readonly queue: number
}

/** A name of a resource. */
const resourceName = /^[a-z0-9][a-z0-9-]{0,62}$/

const argument = z
  .string()
  .max(32_768)
  .refine((text) => !text.includes('\0'), 'must not hold a zero byte')

const secretReference = z
  .strictObject({
    from: z
      .string()
      .regex(
        /^(?:vault:[a-z0-9][a-z0-9-]{0,62}|env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$/,
        'vault:NAME, env:NAME or file:PATH',
      ),
  })
  .describe('A reference to a secret')

const limits = z.strictObject({
  memoryMb: z.int().min(64).max(65_536).default(512),
  startSeconds: z.int().min(1).max(300).default(20),
  callSeconds: z.int().min(1).max(3600).default(60),
  idleMinutes: z.int().min(1).max(1440).default(5),
  outputBytes: z
    .int()
    .min(65_536)
    .max(64 << 20)
    .default(8_388_608),
  queue: z.int().min(0).max(1000).default(32),
})

/** The schema of the block. */
export const mcpBlock: z.ZodType<McpBlock> = z.strictObject({
  command: z
    .array(argument)
    .min(1)
    .max(64)
    .refine(([program]) => program !== '', 'must name a program')
    .describe('What is started, as a list of arguments'),
  code: z
    .array(z.string().min(1).max(4096))
    .min(1)
    .max(32)
    .describe('Folders of its code and of what it imports, which it sees read-only; the first is where it starts'),
  database: z.string().regex(resourceName).optional().describe('The PostgreSQL resource that its SQL goes to'),
  environment: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/), z.union([argument, secretReference]))
    .default({}),
  isolation: z
    .enum(['namespaces', 'none'])
    .default('namespaces')
    .describe('none: it runs as Sallyport does, and can read what Sallyport can'),
  limits: limits.prefault({}),
})
