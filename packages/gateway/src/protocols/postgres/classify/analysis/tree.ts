/**
 * Reading the parser's tree: JSON in which a node is `{ "NodeType": { field: value, … } }` and fields with PostgreSQL's default value
 * are left out. Nothing here trusts the shape: what is not what it should be reads as absent or as an unknown node.
 */

/** The fields of one node. */
export type Fields = Readonly<Record<string, unknown>>

/** A node with its type. */
export interface TreeNode {
  readonly type: string
  readonly fields: Fields
}

/** Whether a value is a JSON object. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The node that a wrapper holds, or undefined when the value is no wrapper of exactly one node. */
export function nodeOf(value: unknown): TreeNode | undefined {
  if (!isFields(value)) return undefined
  const types = Object.keys(value)
  const [type] = types
  if (type === undefined || types.length !== 1) return undefined
  const fields = value[type]
  return isFields(fields) ? { type, fields } : undefined
}

/** A field that holds a list; absent lists are empty. */
export function listOf(fields: Fields, key: string): readonly unknown[] {
  const value = fields[key]
  return Array.isArray(value) ? (value as readonly unknown[]) : []
}

/** A field that holds the fields of a node of known type (the tree leaves its wrapper out). */
export function fieldsOf(fields: Fields, key: string): Fields | undefined {
  const value = fields[key]
  return isFields(value) ? value : undefined
}

/** A field that holds text. */
export function textOf(fields: Fields, key: string): string | undefined {
  const value = fields[key]
  return typeof value === 'string' ? value : undefined
}

/** The text of a `String` node. */
export function stringOf(value: unknown): string | undefined {
  const node = nodeOf(value)
  if (node?.type !== 'String') return undefined
  // The empty string is PostgreSQL's default value, so it is left out.
  return node.fields['sval'] === undefined ? '' : textOf(node.fields, 'sval')
}

/** The parts of a dotted name, or undefined when one of them is no plain `String`. */
export function nameParts(values: readonly unknown[]): readonly string[] | undefined {
  const parts: string[] = []
  for (const value of values) {
    const part = stringOf(value)
    if (part === undefined) return undefined
    parts.push(part)
  }
  return parts
}

/** The items of a `List` node. */
export function itemsOf(value: unknown): readonly unknown[] | undefined {
  const node = nodeOf(value)
  return node?.type === 'List' ? listOf(node.fields, 'items') : undefined
}
