import { z } from 'zod'
import { protocols } from '../registry.ts'

/** Where a secret lies; the configuration never holds one itself. */
const secretReference = z
  .strictObject({
    from: z
      .string()
      .regex(/^(vault:[a-z0-9][a-z0-9-]{0,62}|env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$/)
      .describe('vault:NAME, env:NAME or file:PATH'),
  })
  .describe('A reference to a secret; a literal secret is refused')

const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and hyphens, at most 63')
const address = z.string().regex(/^(\[[0-9a-f:]+\]|[0-9.]+|[a-z0-9.-]+):\d{1,5}$/i, 'HOST:PORT')
const file = z.string().min(1)
const table = z.string().regex(/^[^.]+\.[^.]+$/, 'SCHEMA.TABLE')
const column = z.string().regex(/^[^.]+\.[^.]+\.[^.]+\.[^.]+$/, 'RESOURCE.SCHEMA.TABLE.COLUMN')

const tls = z.strictObject({ cert: file, key: file }).describe('PEM files; required outside loopback')

const listen = z.strictObject({
  http: address.default('127.0.0.1:8080').describe('Logins, the API and later MCP'),
  postgres: address.default('127.0.0.1:5432').describe('PostgreSQL clients'),
  tls: tls.optional(),
})

const workload = z.strictObject({
  name,
  issuer: z.url().describe('Exactly as in the iss claim'),
  audience: z.string().min(1).describe('Exactly as in the aud claim'),
  claims: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .describe('Every claim must be equal; match ids, not names'),
  groups: z.array(name).default([]),
})

const identity = z.strictObject({
  oidc: z
    .strictObject({
      issuer: z.url(),
      clientId: z.string().min(1),
      clientSecret: secretReference.optional(),
      groups: z.string().default('groups').describe('The claim that lists groups'),
      scopes: z
        .array(z.string())
        .default(['openid', 'profile', 'email'])
        .describe('What to ask for; some providers want a scope for groups'),
    })
    .describe("The customer's identity provider"),
  sessionHours: z.number().int().min(1).max(24).default(8).describe('How long a login lasts'),
  idleMinutes: z.number().int().min(1).max(1440).default(15).describe('PCI DSS 8.2.8: 15'),
  tokenMinutes: z.number().int().min(1).max(60).default(15),
  workloads: z.array(workload).default([]),
})

const protocolBlocks = Object.fromEntries(protocols.map((protocol) => [protocol.name, protocol.settings.optional()]))

const resource = z
  .strictObject({
    name,
    zone: name.optional().describe('cde: part of the cardholder data environment'),
    tables: z.array(table).default([]).describe('Tables known and classified; policy can name only these'),
    ...protocolBlocks,
  })
  .describe('Something behind the boundary')

const masking = z.strictObject({
  columns: z
    .record(column, z.enum(['pan', 'sad']))
    .default({})
    .describe('Columns declared as card data: every value of them is truncated'),
})

const approvals = z
  .strictObject({
    answerSeconds: z.number().int().min(1).max(604_800).default(1800).describe('From the request to its last answer'),
    useSeconds: z.number().int().min(1).max(86_400).default(900).describe('From the approval to its use'),
    waitSeconds: z
      .number()
      .int()
      .min(0)
      .max(3600)
      .default(120)
      .describe('How long a held statement waits for its answer before it fails; 0: not at all'),
  })
  .describe('How long requests for approval live')

/** The schema of `sallyport.yaml`. Unknown keys are errors everywhere. */
export const configSchema = z.strictObject({
  apiVersion: z.literal('sallyport/v1'),
  node: name.default('node-1').describe('Names this gateway in its trail'),
  data: file.default('data').describe('Folder of the store, the trail and the write-ahead file'),
  masterKey: secretReference
    .default({ from: 'file:data/master.key' })
    .describe('The key under which everything else is sealed'),
  publicUrl: z.url().optional().describe('How people reach the HTTP listener; default: its address'),
  listen: listen.prefault({}),
  identity,
  groups: z.array(name).min(1).describe('Groups that policy may name'),
  resources: z.array(resource).min(1),
  policy: file.default('policy').describe('Folder of *.cedar'),
  masking: masking.prefault({}),
  approvals: approvals.prefault({}),
  limits: z.strictObject({ sessions: z.number().int().min(1).max(100_000).default(1000) }).prefault({}),
})

/** The configuration as written, with defaults filled in. */
export type ConfigFile = z.infer<typeof configSchema>
