import type { PolicyUse } from '#model/read'
import type { EntitlementRow } from './entitlement-table.ts'
import type { SeenIdentity } from './seen-identities.ts'
import type { EntitlementFacts, PackSources } from './sources.ts'

/** The entitlements of everybody in the records, of every tool, and of the policy as a whole. */
export async function entitlementRows(
  sources: Pick<PackSources, 'entitlements' | 'reader' | 'tools'>,
  identities: Iterable<SeenIdentity>,
  nameOf: (id: string) => string | null,
): Promise<readonly EntitlementRow[]> {
  const { reader } = sources
  const rows: EntitlementRow[] = []
  for (const { id, kind, groups } of [...identities].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    const about = { subjectKind: kind, subject: id, name: nameOf(id), groups } as const
    const uses = await reader.uses({ identity: id })
    for (const entitlement of sources.entitlements({ kind: 'identity', identity: { kind, id, groups } }))
      rows.push({ ...about, entitlement, lastUse: lastUse(uses, entitlement) })
  }
  for (const { server, tool } of sources.tools) {
    const about = { subjectKind: 'tool', subject: `${server}/${tool}`, name: null, groups: [] } as const
    const uses = await reader.uses({ tool: { server, tool } })
    for (const entitlement of sources.entitlements({ kind: 'tool', server, tool }))
      rows.push({ ...about, entitlement, lastUse: lastUse(uses, entitlement) })
  }
  const uses = await reader.uses({})
  for (const entitlement of sources.entitlements({ kind: 'all' })) {
    const about = { subjectKind: 'policy', subject: entitlement.policy, name: null, groups: [] } as const
    rows.push({ ...about, entitlement, lastUse: lastUse(uses, entitlement) })
  }
  return rows
}

/** The newest use of the permit on the resource, with the number of all of them. */
function lastUse(uses: readonly PolicyUse[], { policy, resourceName }: EntitlementFacts): PolicyUse | undefined {
  const own = uses.filter(
    (use) => use.policy === policy && (resourceName === undefined || use.resource === resourceName),
  )
  const [newest] = own
  return newest === undefined ? undefined : { ...newest, uses: own.reduce((sum, use) => sum + use.uses, 0) }
}
