import { type Catalog, isKnownEntity } from '../catalog.ts'
import { entitiesOf, type ParsedPolicy } from '../policies.ts'
import type { Finding } from '../problems.ts'
import { locateEntity } from './locate.ts'

/**
 * Every entity that a policy names exists. Cedar reports a misspelt group or action, but of an ordinary type it does not know which ids
 * there are: a ban on a misspelt table would ban nothing, and say nothing.
 */
export function* lintEntities(policy: ParsedPolicy, catalog: Catalog): Generator<Finding> {
  for (const entity of entitiesOf(policy)) {
    if (isKnownEntity(catalog, entity.type, entity.id)) continue
    yield {
      rule: 'unknown-name',
      message: `there is no ${entity.type}::"${entity.id}"`,
      fix: fixFor(entity.type),
      at: locateEntity(policy, entity),
    }
  }
}

function fixFor(type: string): string {
  switch (type) {
    case 'Group':
      return 'correct it, or add the group to the configuration'
    case 'Workload':
      return 'correct it, or add the workload to the configuration'
    case 'Database':
      return 'correct it, or add the resource to the configuration'
    case 'Table':
      return 'correct it (resource/schema/table), or list the table under its resource in the configuration'
    case 'Schema':
      return 'correct it (resource/schema), or list a table of the schema under its resource in the configuration'
    case 'Function':
      return 'correct it (resource/schema/function)'
    case 'Server':
      return 'correct it, or add the MCP server to the configuration'
    case 'Tool':
      return 'correct it (server/tool), or review the tool and pin it'
    case 'Data':
      return 'correct it (resource/schema/table#column), or declare the column in the configuration'
    case 'Via':
      return 'name the tool: principal is Via in Tool::"…"'
    case 'Boundary':
      return 'use the name of this boundary'
    default:
      return 'correct it'
  }
}
