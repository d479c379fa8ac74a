import { shown } from './findings.ts'
import { auditedFunctions } from './functions.ts'
import { type Fields, listOf, nameParts } from './tree.ts'
import type { Walk } from './walk.ts'

/** Looks at a function call's name and number of arguments; what is not audited becomes an access `call` and leaves a doubt. */
export function call(fields: Fields, walk: Walk): void {
  const parts = nameParts(listOf(fields, 'funcname'))
  const name = parts?.at(-1)
  if (parts === undefined || name === undefined || parts.length > 2) {
    walk.findings.doubt('a function name of this form is not understood')
    return
  }
  const schema = parts.length === 2 ? parts[0] : undefined
  const rule = schema === undefined || schema === 'pg_catalog' ? auditedFunctions.get(name) : undefined
  if (rule === undefined) {
    walk.findings.touch('call', { kind: 'function', schema: schema ?? walk.searchPath, name })
    walk.findings.doubt(`function ${shown(name)} is not on the audited list`)
  } else if (rule.maxArguments !== undefined && listOf(fields, 'args').length > rule.maxArguments) {
    walk.findings.doubt(
      `function ${name} with more than ${String(rule.maxArguments)} argument is not on the audited list`,
    )
  }
}
