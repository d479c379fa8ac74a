import { type Findings, shown } from './findings.ts'
import { onlyFields } from './names.ts'
import { castTypes, cutTypes, literalCastTypes, textTypes } from './types.ts'
import { type Fields, fieldsOf, listOf, nameParts, nodeOf } from './tree.ts'
import type { Walk } from './walk.ts'

const TYPE_NAME = new Set(['names', 'typmods', 'typemod', 'arrayBounds', 'location'])

/** Looks at a cast's target, and returns whether it leaves text as it is; the operand is read by the caller. */
export function castOf(fields: Fields, walk: Walk): boolean {
  const { findings } = walk
  const target = fieldsOf(fields, 'typeName')
  const type = typeName(target, findings)
  if (type === undefined) return false
  const isLiteral = isLiteralLike(fields['arg'])
  if (!castTypes.has(type.name) && !(isLiteral && literalCastTypes.has(type.name))) {
    findings.doubt(`a cast to ${shown(type.name)} is not on the audited list`)
  } else if (type.hasLength && cutTypes.has(type.name) && !isLiteral) {
    // PostgreSQL 18, 8.3: "If one explicitly casts a value to character varying(n) … then an over-length value will be truncated".
    findings.doubt(`a cast to ${type.name} with a length may cut a value, which is not understood`)
  }
  return textTypes.has(type.name) && !type.hasLength && listOf(target ?? {}, 'arrayBounds').length === 0
}

/** A type's name in pg_catalog. */
export interface TypeName {
  readonly name: string
  /** Whether a length or precision is given. */
  readonly hasLength: boolean
}

/** Reads a TypeName; unqualified names of the audited types mean pg_catalog's, which is searched first. */
export function typeName(fields: Fields | undefined, findings: Findings): TypeName | undefined {
  const parts = fields === undefined ? undefined : nameParts(listOf(fields, 'names'))
  const name = parts?.at(-1)
  if (fields === undefined || parts === undefined || name === undefined || parts.length > 2) {
    findings.doubt('a type of this form is not understood')
    return undefined
  }
  // Also refuses SETOF and %TYPE, which are fields of their own.
  onlyFields(fields, TYPE_NAME, 'TypeName', findings)
  if (parts.length === 2 && parts[0] !== 'pg_catalog') {
    findings.doubt('a type of another schema than pg_catalog is not understood')
    return undefined
  }
  const modifiers = listOf(fields, 'typmods')
  if (!modifiers.every((modifier) => nodeOf(modifier)?.type === 'A_Const')) {
    findings.doubt('a type of this form is not understood')
  }
  return { name, hasLength: modifiers.length > 0 }
}

/** Whether the operand is a literal or a parameter, whose text the caller gave. */
function isLiteralLike(operand: unknown): boolean {
  for (let node = nodeOf(operand); node !== undefined; node = nodeOf(node.fields['arg'])) {
    if (node.type === 'A_Const' || node.type === 'ParamRef') return true
    if (node.type !== 'TypeCast') return false
  }
  return false
}
