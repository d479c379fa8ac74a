import { type CteScope, cteNamed } from './scope.ts'
import { tableName } from './names.ts'
import { isFields, textOf } from './tree.ts'
import type { Walk } from './walk.ts'

/**
 * Collects the tables of a part of the tree that is not understood, as read: for the record of the refusal, and for bans that must hold
 * even where policy lets incomplete statements pass. The caller has noted a doubt.
 */
export function sweep(value: unknown, ctes: CteScope | undefined, walk: Walk): void {
  if (Array.isArray(value)) {
    for (const item of value as readonly unknown[]) sweep(item, ctes, walk)
  } else if (isFields(value)) {
    const name = textOf(value, 'relname')
    if (name !== undefined && (value['schemaname'] !== undefined || cteNamed(name, ctes) === undefined)) {
      walk.findings.touch('select', tableName(value, walk)).any()
    }
    for (const part of Object.values(value)) sweep(part, ctes, walk)
  }
}
