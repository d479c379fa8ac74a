import { z } from 'zod'

/** The `postgres` block of a resource in `sallyport.yaml`. */
export interface PostgresBlock {
  readonly host: string
  readonly port: number
  readonly database: string
  /** The role that Sallyport logs in as. */
  readonly user: string
  /** Where its password lies: `vault:NAME`, `env:NAME` or `file:PATH`. */
  readonly password: { readonly from: string }
  readonly tls: PostgresTls
  /** The one schema that unqualified names are looked up in, besides pg_catalog. */
  readonly searchPath: string
  /** How long connecting to the database may take, and later asking again where declared columns lie. */
  readonly connectTimeoutSeconds: number
}

/** What one PostgreSQL resource is configured to be: its block, and what the configuration declares of its columns. */
export interface PostgresSettings extends PostgresBlock {
  /** Columns that hold card data, whatever their values look like. */
  readonly declaredColumns: readonly DeclaredColumn[]
}

/** TLS towards the database: verified with name and authority, or, on loopback only, off. */
export type PostgresTls =
  | {
      readonly mode: 'verify-full'
      /** PEM file of the authorities to trust instead of the system's. */
      readonly caFile?: string | undefined
      /** The name in the server's certificate, when it is not `host`. */
      readonly serverName?: string | undefined
    }
  | { readonly mode: 'off' }

/** A column that the configuration declares to hold card data. */
export interface DeclaredColumn {
  readonly schema: string
  readonly table: string
  readonly column: string
  readonly class: 'pan' | 'sad'
}

const loopback = new Set(['127.0.0.1', '::1', 'localhost'])

/** PostgreSQL cuts identifiers at 63 bytes; a zero byte would end the start-up packet early. */
function identifier(): z.ZodType<string, string> {
  return z
    .string()
    .min(1)
    .max(63)
    .refine((text) => !text.includes('\0'), 'must not hold a zero byte')
}

/** The schema of the block. */
export const postgresBlock: z.ZodType<PostgresBlock> = z
  .strictObject({
    host: z.string().min(1).max(253),
    port: z.int().min(1).max(65_535).default(5432),
    database: identifier(),
    user: identifier(),
    password: z.strictObject({
      from: z
        .string()
        .regex(
          /^(?:vault:[a-z0-9][a-z0-9-]{0,62}|env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$/,
          'vault:NAME, env:NAME or file:PATH',
        ),
    }),
    tls: z
      .discriminatedUnion('mode', [
        z.strictObject({
          mode: z.literal('verify-full'),
          caFile: z.string().min(1).optional(),
          serverName: z.string().min(1).max(253).optional(),
        }),
        z.strictObject({ mode: z.literal('off') }),
      ])
      .default({ mode: 'verify-full' }),
    searchPath: identifier().default('public'),
    connectTimeoutSeconds: z.int().min(1).max(60).default(5),
  })
  .refine((settings) => settings.tls.mode !== 'off' || loopback.has(settings.host), {
    path: ['tls', 'mode'],
    message: 'TLS may be off only for a database on loopback (127.0.0.1, ::1, localhost)',
  })
