/**
 * Who may import whom, once more and by hand: the rings that enforce it while one types (the `imports` map, project references,
 * `"types": []`, lint) are checked against this table, so that none of them can be loosened quietly.
 */

/** A layer, or a project of its own inside one. */
export interface Layer {
  /** Below packages/gateway/src. */
  readonly folder: string
  /** Doors that it may import. */
  readonly may: readonly string[]
  /** What a reader should know who runs into the wall. */
  readonly because: string
  /** No input or output, time or chance; compiled without Node's types. */
  readonly isPure?: true
  /** May use the verifier package. */
  readonly usesVerifier?: true
  /** Reaches its surroundings by path: a project cut out of a folder, or the folder it was cut out of. */
  readonly reaches?: readonly string[]
}

const vocabulary = ['#base', '#model']

export const layers: readonly Layer[] = [
  { folder: 'base', may: [], isPure: true, because: 'base is under everything' },
  { folder: 'machine', may: ['#base'], because: 'the time and chance of the machine, nothing else' },
  {
    folder: 'model',
    may: ['#base'],
    isPure: true,
    because: 'model is the vocabulary: types and values, nothing that happens',
  },
  {
    folder: 'model/mint',
    may: vocabulary,
    reaches: ['model'],
    isPure: true,
    because: 'the door of Permit, nothing else',
  },
  {
    folder: 'model/read',
    may: vocabulary,
    reaches: ['model'],
    isPure: true,
    because: 'the ports for reading the trail, nothing else',
  },
  { folder: 'policy', may: vocabulary, because: 'a decision depends on the operation and the policies alone' },
  {
    folder: 'approvals',
    may: vocabulary,
    because: 'an approval is bound to an operation: what the operation is, and who asks for it, others know',
  },
  { folder: 'masking', may: vocabulary, isPure: true, because: 'masking is a function of bytes' },
  {
    folder: 'pipeline',
    may: [...vocabulary, '#model/mint'],
    because: 'the pipeline reaches policy, trail and masking through ports, and never reads the trail',
  },
  {
    folder: 'protocols/postgres/codec',
    may: ['#base'],
    isPure: true,
    because: 'a codec is bytes in, data out',
  },
  {
    folder: 'protocols/postgres',
    may: vocabulary,
    reaches: ['protocols/postgres/codec'],
    because: 'a protocol decides nothing and records nothing: it asks the gate',
  },
  {
    folder: 'protocols/mcp/codec',
    may: ['#base'],
    isPure: true,
    because: 'a codec is bytes in, data out',
  },
  {
    folder: 'protocols/mcp',
    may: vocabulary,
    reaches: ['protocols/mcp/codec'],
    because: 'a protocol decides nothing and records nothing: it asks the gate',
  },
  { folder: 'identity', may: vocabulary, because: 'identity answers who; what they may do is policy' },
  { folder: 'vault', may: vocabulary, because: 'the fewer know the vault, the fewer can leak from it' },
  { folder: 'storage', may: vocabulary, because: 'storage implements ports and is known to app only' },
  {
    folder: 'trail',
    may: [...vocabulary, '#model/read'],
    usesVerifier: true,
    because: 'the write side: it takes records, gives the keys of payloads, and knows none of its callers',
  },
  {
    folder: 'evidence',
    may: [...vocabulary, '#model/read'],
    usesVerifier: true,
    because: 'the read side works from what was written, not from the writer',
  },
  {
    folder: 'api',
    may: [...vocabulary, '#model/read'],
    because: 'routes reach every service as a port, so that the API holds no rule of its own',
  },
  {
    folder: 'app',
    may: [
      ...vocabulary,
      '#machine',
      '#model/read',
      '#policy',
      '#approvals',
      '#masking',
      '#pipeline',
      '#protocols/postgres',
      '#protocols/mcp',
      '#identity',
      '#vault',
      '#storage',
      '#trail',
      '#evidence',
      '#api',
    ],
    usesVerifier: true,
    because: 'app connects everything but mints nothing: #model/mint is for the pipeline',
  },
  {
    folder: 'cli',
    may: [...vocabulary, '#machine', '#api', '#app'],
    because: 'the command line starts app or talks to the API',
  },
]

/** Third-party packages, and the folders below packages/gateway/src that may use them. */
export const packages: readonly { readonly name: string; readonly in: readonly string[]; readonly because: string }[] =
  [
    { name: '@cedar-policy/cedar-wasm', in: ['policy'], because: 'one policy language, one place that speaks it' },
    { name: 'libpg-query', in: ['protocols/postgres'], because: 'hostile SQL is parsed in one disposable worker' },
    { name: 'kysely', in: ['storage'], because: 'SQL of our own is written in storage' },
    { name: 'oidc-provider', in: ['identity'], because: 'the authorization server is part of identity' },
    {
      name: 'openid-client',
      in: ['identity', 'cli'],
      because: 'federation is identity, signing in is the command line',
    },
    { name: 'jose', in: ['identity'], because: 'tokens are checked in one place' },
    { name: 'hono', in: ['api'], because: 'routes are the API' },
    { name: '@hono/node-server', in: ['api', 'app'], because: 'app opens the listeners, the API answers on them' },
    { name: 'pino', in: ['app'], because: 'others log through the Log port, whose lines are scrubbed' },
    { name: 'yaml', in: ['app'], because: 'configuration is read once, in app/config' },
    { name: 'commander', in: ['cli'], because: 'argv ends at the command line' },
    {
      name: 'zod',
      in: ['app/config', 'api', 'policy/cases.ts', 'protocols/postgres/settings.ts', 'protocols/mcp/settings.ts'],
      because: 'shapes are validated at the edges, never on the byte path',
    },
  ]
