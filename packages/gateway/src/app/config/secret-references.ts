import type { McpBlock } from '#protocols/mcp'
import type { PostgresBlock } from '#protocols/postgres'
import type { ConfigFile } from './schema.ts'

/** What a configuration says of where a secret lies, and where it says so. */
export interface SecretReference {
  readonly path: readonly (string | number)[]
  /** `vault:NAME`, `env:NAME` or `file:PATH`. */
  readonly from: string
}

/** All references to secrets of a configuration. */
export function secretReferences({ masterKey, identity, resources }: ConfigFile): readonly SecretReference[] {
  const { clientSecret } = identity.oidc
  return [
    { path: ['masterKey'], from: masterKey.from },
    ...(clientSecret === undefined ? [] : [{ path: ['identity', 'oidc', 'clientSecret'], from: clientSecret.from }]),
    ...resources.flatMap((entry, index) => referencesOf(entry, ['resources', index])),
  ]
}

function referencesOf(entry: object, path: SecretReference['path']): readonly SecretReference[] {
  // Checked by the protocols' own schemas.
  const { postgres, mcp } = entry as { readonly postgres?: PostgresBlock; readonly mcp?: McpBlock }
  const password = postgres === undefined ? [] : [{ path: [...path, 'postgres', 'password'], ...postgres.password }]
  const environment = Object.entries(mcp?.environment ?? {}).flatMap(([name, value]) =>
    typeof value === 'string' ? [] : [{ path: [...path, 'mcp', 'environment', name], from: value.from }],
  )
  return [...password, ...environment]
}
