/**
 * What the arguments of a tool are to policy: the part of JSON Schema that Cedar has types for (`docs/guide/policy.md`, *Tools*).
 */
import { formatString } from '../names.ts'

/** The type of one value. */
export type ArgumentType = ScalarType | SetType | RecordType | UnusableType

/** One text, number or truth value. */
export type ScalarType =
  | {
      readonly kind: 'string'
      /** The texts that the schema lists, when it does. */ readonly allowed?: readonly string[]
    }
  | { readonly kind: 'integer' }
  | { readonly kind: 'number' }
  | { readonly kind: 'boolean' }

/** A list of scalars, of which order and repetitions are lost. */
interface SetType {
  readonly kind: 'set'
  readonly of: ScalarType
}

/** An object with named members. */
export interface RecordType {
  readonly kind: 'record'
  readonly members: ReadonlyMap<string, Argument>
  /** Every name that the schema declares, those that are not among the members too. */
  readonly declared: ReadonlySet<string>
  /** Whether the schema says that there may be members which it does not declare. */
  readonly isOpen: boolean
}

/** Something that policy cannot read, and why. */
export interface UnusableType {
  readonly kind: 'unusable'
  readonly reason: string
}

/** An argument, or a member of one. */
export interface Argument {
  readonly type: ArgumentType
  /** Whether it may be absent. */
  readonly isOptional: boolean
  /** Whether null stands for "absent". */
  readonly isNullable: boolean
}

/** Which members are read: whole, or only some of its own; nothing below a name means that only its presence is. */
export type ReadTree = 'whole' | ReadonlyMap<string, ReadTree>

/** A record with nothing in it but what is read. */
export function pruneRecord(record: RecordType, read: ReadTree): RecordType {
  if (read === 'whole') return record
  const members = new Map<string, Argument>()
  for (const [name, below] of read) {
    const argument = record.members.get(name)
    if (argument === undefined) continue
    const { type } = argument
    members.set(name, type.kind === 'record' ? { ...argument, type: pruneRecord(type, below) } : argument)
  }
  return { ...record, members }
}

/** The type of a record in Cedar's schema language; what is unusable is left out. */
export function formatRecord(record: RecordType): string {
  const members: string[] = []
  for (const [name, { type, isOptional }] of record.members) {
    const formatted = formatType(type)
    if (formatted !== undefined) members.push(`${formatString(name)}${isOptional ? '?' : ''}: ${formatted}`)
  }
  return `{ ${members.join(', ')} }`
}

function formatType(type: ArgumentType): string | undefined {
  switch (type.kind) {
    case 'set':
      return `Set<${scalarNames[type.of.kind]}>`
    case 'record':
      return formatRecord(type)
    case 'unusable':
      return undefined
    default:
      return scalarNames[type.kind]
  }
}

const scalarNames: Readonly<Record<ScalarType['kind'], string>> = {
  string: 'String',
  integer: 'Long',
  number: 'decimal',
  boolean: 'Bool',
}
