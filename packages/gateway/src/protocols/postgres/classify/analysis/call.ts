import { shown } from './findings.ts'
import { auditedFunctions, makings } from './functions.ts'
import { constant, holding, isConstant, type Lineage, made } from './lineage.ts'
import { type Fields, listOf, nameParts } from './tree.ts'
import type { Walk } from './walk.ts'

/**
 * Looks at a function call's name and number of arguments; what is not audited becomes an access `call` and leaves a doubt. Returns the name
 * of an audited function.
 */
export function call(fields: Fields, walk: Walk): string | undefined {
  const parts = nameParts(listOf(fields, 'funcname'))
  const name = parts?.at(-1)
  if (parts === undefined || name === undefined || parts.length > 2) {
    walk.findings.doubt('a function name of this form is not understood')
    return undefined
  }
  const schema = parts.length === 2 ? parts[0] : undefined
  const rule = schema === undefined || schema === 'pg_catalog' ? auditedFunctions.get(name) : undefined
  if (rule === undefined) {
    walk.findings.touch('call', { kind: 'function', schema: schema ?? walk.searchPath, name })
    walk.findings.doubt(`function ${shown(name)} is not on the audited list`)
    return undefined
  }
  if (rule.maxArguments !== undefined && listOf(fields, 'args').length > rule.maxArguments) {
    walk.findings.doubt(
      `function ${name} with more than ${String(rule.maxArguments)} argument is not on the audited list`,
    )
  }
  return name
}

/** What a call's result is, and what it does with its arguments. */
export function result(name: string | undefined, values: readonly Lineage[], { uses }: Walk): Lineage {
  switch (makings.get(name ?? '')) {
    case 'holds':
      return holding(values)
    case 'picks':
      for (const value of values) uses.order(value)
      return holding(values)
    case 'counts':
      return made
    case 'spells':
      if (isConstant(values)) return constant
      break
    case undefined:
  }
  uses.compute(...values)
  return made
}
