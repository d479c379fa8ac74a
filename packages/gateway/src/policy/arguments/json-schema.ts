/**
 * From the JSON Schema of a tool's input to what policy can read of it. What has no type in Cedar is kept by name, with the reason, so that
 * a policy that reads it can be told why it cannot.
 */
import { parseJson } from '#base'
import type { Argument, ArgumentType, RecordType, ScalarType, UnusableType } from './types.ts'

type SchemaObject = Readonly<Record<string, unknown>>

const MAX_DEPTH = 8
/** Schemas within one input schema. */
const MAX_NODES = 2_000
const MAX_SCHEMA_LENGTH = 1 << 20

/** Reads the input schema of a tool. One that is no object schema declares nothing that policy can read; never throws. */
export function readInputSchema(text: string): RecordType {
  const root = parseObject(text)
  if (root === undefined) return { kind: 'record', members: new Map(), declared: new Set(), isOpen: true }
  return new Reader(root).record(root, 0)
}

function parseObject(text: string): SchemaObject | undefined {
  if (text.length > MAX_SCHEMA_LENGTH) return undefined
  try {
    const parsed = parseJson(text)
    return isObject(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}

/** A type, and whether null stands for "absent". */
interface Typed {
  readonly type: ArgumentType
  readonly isNullable: boolean
}

/** Keywords whose meaning has no type. */
const UNTYPED = [
  'allOf',
  'not',
  'if',
  'then',
  'else',
  'patternProperties',
  'dependentSchemas',
  'dependentRequired',
  'dependencies',
  '$dynamicRef',
  '$recursiveRef',
]

class Reader {
  readonly #root: SchemaObject
  /** References that are being followed: one among them again is a recursion. */
  readonly #following = new Set<string>()
  #nodes = 0

  constructor(root: SchemaObject) {
    this.#root = root
  }

  record(schema: SchemaObject, depth: number): RecordType {
    const properties = isObject(schema['properties']) ? schema['properties'] : {}
    const required = new Set(Array.isArray(schema['required']) ? schema['required'] : [])
    const members = new Map<string, Argument>()
    for (const [name, member] of Object.entries(properties)) {
      const { type, isNullable } = isNameable(name)
        ? this.#typed(member, depth + 1)
        : unusable('policy cannot write its name')
      members.set(name, { type, isNullable, isOptional: isNullable || !required.has(name) })
    }
    const additional = schema['additionalProperties']
    const isOpen = (additional !== undefined && additional !== false) || isObject(schema['patternProperties'])
    return { kind: 'record', members, declared: new Set(members.keys()), isOpen }
  }

  #typed(schema: unknown, depth: number): Typed {
    this.#nodes++
    if (this.#nodes > MAX_NODES || depth > MAX_DEPTH) return unusable('the schema is too large or nests too deep')
    if (!isObject(schema)) return unusable('it may be anything')
    const keyword = UNTYPED.find((untyped) => Object.hasOwn(schema, untyped))
    if (keyword !== undefined) return unusable(`its schema uses ${keyword}`)
    if (typeof schema['$ref'] === 'string') return this.#referred(schema['$ref'], depth)
    const alternatives = schema['anyOf'] ?? schema['oneOf']
    if (alternatives !== undefined) return this.#alternatives(alternatives, depth)
    return this.#plain(schema, depth)
  }

  #referred(pointer: string, depth: number): Typed {
    if (!pointer.startsWith('#/')) return unusable('its schema lies elsewhere')
    if (this.#following.has(pointer)) return unusable('its schema contains itself')
    let target: unknown = this.#root
    for (const step of pointer.slice(2).split('/')) {
      const name = step.replaceAll('~1', '/').replaceAll('~0', '~')
      target = isObject(target) && Object.hasOwn(target, name) ? target[name] : undefined
    }
    this.#following.add(pointer)
    try {
      return this.#typed(target, depth + 1)
    } finally {
      this.#following.delete(pointer)
    }
  }

  #alternatives(alternatives: unknown, depth: number): Typed {
    const schemas: readonly unknown[] = Array.isArray(alternatives) ? alternatives : []
    const types = schemas.filter((schema) => !isNull(schema)).map((schema) => this.#typed(schema, depth + 1))
    const type = joinTypes(types.map((typed) => typed.type))
    return { type, isNullable: types.length < schemas.length || types.some(({ isNullable }) => isNullable) }
  }

  #plain(schema: SchemaObject, depth: number): Typed {
    const listed = listedValues(schema)
    const given = schema['type']
    const names: readonly unknown[] =
      given === undefined ? impliedTypes(schema, listed) : Array.isArray(given) ? given : [given]
    const others = names.filter((name) => name !== 'null')
    const isNullable = others.length < names.length
    const [name] = others
    if (name === undefined) return unusable('it may be anything')
    if (others.length > 1) return unusable('it may be of several types')
    return { type: this.#named(name, schema, listed, depth), isNullable }
  }

  #named(name: unknown, schema: SchemaObject, listed: readonly unknown[] | undefined, depth: number): ArgumentType {
    switch (name) {
      case 'string': {
        const allowed = listed?.filter((value) => typeof value === 'string')
        return allowed === undefined ? { kind: 'string' } : { kind: 'string', allowed }
      }
      case 'integer':
      case 'number':
      case 'boolean':
        return { kind: name }
      case 'array':
        return this.#array(schema, depth)
      case 'object':
        return this.record(schema, depth)
      default:
        return unusable('its type is unknown').type
    }
  }

  #array(schema: SchemaObject, depth: number): ArgumentType {
    if (Object.hasOwn(schema, 'prefixItems') || Array.isArray(schema['items'])) return unusable('it is a tuple').type
    const { type, isNullable } = this.#typed(schema['items'], depth + 1)
    if (isNullable || !isScalar(type))
      return unusable('it is a list of other things than texts, numbers or truth values').type
    return { kind: 'set', of: type }
  }
}

function unusable(reason: string): Typed & { readonly type: UnusableType } {
  return { type: { kind: 'unusable', reason }, isNullable: false }
}

function isScalar(type: ArgumentType): type is ScalarType {
  return type.kind === 'string' || type.kind === 'integer' || type.kind === 'number' || type.kind === 'boolean'
}

/** One type for all alternatives: scalars of one kind, else only what stands alone. */
function joinTypes(types: readonly ArgumentType[]): ArgumentType {
  const [first, ...others] = types
  if (first === undefined) return unusable('it may be anything').type
  if (others.length === 0) return first
  if (!isScalar(first) || others.some((type) => type.kind !== first.kind))
    return unusable('it may be of several types').type
  const texts = types.map((type) => (type.kind === 'string' ? type.allowed : undefined))
  const allowed = texts.flatMap((listed) => listed ?? [])
  return first.kind === 'string' && !texts.includes(undefined) ? { kind: 'string', allowed } : { kind: first.kind }
}

function listedValues(schema: SchemaObject): readonly unknown[] | undefined {
  if (Object.hasOwn(schema, 'const')) return [schema['const']]
  return Array.isArray(schema['enum']) ? schema['enum'] : undefined
}

/** What a schema without a type can be: what it lists, or an object when it has properties. */
function impliedTypes(schema: SchemaObject, listed: readonly unknown[] | undefined): readonly unknown[] {
  if (listed !== undefined) return [...new Set(listed.map(typeName))]
  return isObject(schema['properties']) ? ['object'] : []
}

function typeName(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}

function isNull(schema: unknown): boolean {
  return isObject(schema) && (schema['type'] === 'null' || ('const' in schema && schema['const'] === null))
}

/** Names that Cedar's JSON gives a meaning of its own, and such as nobody can read on a screen. */
function isNameable(name: string): boolean {
  return /^[ -~]{1,100}$/.test(name) && !name.startsWith('__')
}

function isObject(value: unknown): value is SchemaObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
