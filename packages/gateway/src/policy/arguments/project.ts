/**
 * From the arguments of a call, as the client wrote them, to the values that policies are asked with: by the *declared* type, never by their
 * look. `{"__entity":…}` in the place of a text would otherwise become an entity.
 */
import type { ContextValue } from '../cedar.ts'
import { membersOf } from './members.ts'
import { NumberText, toDecimal, toInt64 } from './numbers.ts'
import type { Argument, ArgumentType, RecordType, ScalarType } from './types.ts'

/** The values, or what is wrong with them in words that hold no value. */
export type Projected =
  | { readonly kind: 'values'; readonly values: Readonly<Record<string, ContextValue>> }
  | { readonly kind: 'unfit'; readonly words: string }

/** UTF-16 units of all arguments that are read: Cedar takes 15 µs for a thousand. */
const MAX_READ_LENGTH = 65_536
/** Elements of a list: a set of more is not what a policy compares. */
const MAX_ELEMENTS = 1_000

/**
 * Projects the arguments that policies read.
 *
 * @param text the JSON text of the arguments object; undefined when it is not known.
 * @param read their types: nothing is passed that is not in it.
 */
export function projectArguments(text: string | undefined, read: RecordType): Projected {
  try {
    return { kind: 'values', values: projectText(text, read) }
  } catch (error) {
    return { kind: 'unfit', words: error instanceof Unfit ? error.words : 'the arguments cannot be read' }
  }
}

/** An argument that has no value for policy; `words` names it and holds no value. */
class Unfit extends Error {
  readonly words: string

  constructor(words: string) {
    super(words)
    this.words = words
  }
}

function projectText(text: string | undefined, read: RecordType): Readonly<Record<string, ContextValue>> {
  if (text === undefined) throw new Unfit('the arguments are not known')
  const given = readMembers(text, read, { path: '', whole: 'the arguments are', among: 'there is an argument' })
  let length = 0
  for (const [name, value] of given) {
    length += value.length
    if (length > MAX_READ_LENGTH) throw new Unfit(`argument "${name}" is too long for policy`)
  }
  return projectMembers(given, read, '')
}

/** How an object is called in words: before `no object`, before `that the tool does not declare`, and what stands before its members' names. */
interface Wording {
  readonly path: string
  readonly whole: string
  readonly among: string
}

/**
 * The texts of those members of an object that are read.
 *
 * No name is taken from JSON.parse, and one that is read may have no escapes, though JSON allows them: V8 from 12.8 on (nodejs/node#63785)
 * takes an escaped name for another one that an object before it had, so that a server on Node might not see the argument that policy saw.
 */
function readMembers(text: string, record: RecordType, { path, whole, among }: Wording): ReadonlyMap<string, string> {
  const members = membersOf(text)
  if (members === undefined) throw new Unfit(`${whole} no object`)
  const given = new Map<string, string>()
  for (const { name, value, isEscaped } of members) {
    if (!record.isOpen && !record.declared.has(name)) throw new Unfit(`${among} that the tool does not declare`)
    if (!record.members.has(name)) continue
    if (given.has(name)) throw new Unfit(`argument "${path}${name}" is there twice`)
    if (isEscaped) throw new Unfit(`the name of argument "${path}${name}" is written with an escape`)
    given.set(name, value)
  }
  return given
}

function projectMembers(
  given: ReadonlyMap<string, string>,
  record: RecordType,
  path: string,
): Readonly<Record<string, ContextValue>> {
  const values: [string, ContextValue][] = []
  for (const [name, argument] of record.members) {
    if (argument.type.kind === 'unusable') continue
    const value = projectMember(given.get(name), argument, path + name)
    if (value !== undefined) values.push([name, value])
  }
  return Object.fromEntries(values)
}

function projectMember(
  text: string | undefined,
  { type, isOptional, isNullable }: Argument,
  name: string,
): ContextValue | undefined {
  if (text === undefined || (text === 'null' && isNullable)) {
    if (isOptional) return undefined
    throw new Unfit(`argument "${name}" is missing`)
  }
  return projectValue(text, type, name)
}

function projectValue(text: string, type: ArgumentType, name: string): ContextValue {
  switch (type.kind) {
    case 'set': {
      const list = parseValue(text)
      if (!Array.isArray(list)) throw new Unfit(`argument "${name}" is no list`)
      if (list.length > MAX_ELEMENTS) throw new Unfit(`argument "${name}" is too long for policy`)
      const { of } = type
      return list.map((element) => projectScalar(element, of, name))
    }
    case 'record': {
      const wording = {
        path: `${name}.`,
        whole: `argument "${name}" is`,
        among: `argument "${name}" has a member`,
      }
      return projectMembers(readMembers(text, type, wording), type, wording.path)
    }
    case 'unusable':
      throw new Unfit(`argument "${name}" cannot be read by policy`)
    default:
      return projectScalar(parseValue(text), type, name)
  }
}

/** Parses a scalar or a list of them, keeping each number as its text. */
function parseValue(text: string): unknown {
  return JSON.parse(text, (_key: string, value: unknown, context?: { readonly source?: string }) =>
    typeof value === 'number' ? new NumberText(context?.source ?? '') : value,
  )
}

function projectScalar(value: unknown, type: ScalarType, name: string): ContextValue {
  switch (type.kind) {
    case 'string':
      if (typeof value !== 'string') throw new Unfit(`argument "${name}" is no text`)
      if (!value.isWellFormed()) throw new Unfit(`argument "${name}" is no well-formed text`)
      return value
    case 'boolean':
      if (typeof value !== 'boolean') throw new Unfit(`argument "${name}" is neither true nor false`)
      return value
    case 'integer': {
      const text = value instanceof NumberText ? toInt64(value.source) : undefined
      if (text === undefined) throw new Unfit(`argument "${name}" is no whole number of 64 bits`)
      return rawJson(text)
    }
    case 'number': {
      const text = value instanceof NumberText ? toDecimal(value.source) : undefined
      if (text === undefined) throw new Unfit(`argument "${name}" is no number of at most four decimal places`)
      return { __extn: { fn: 'decimal', arg: text } }
    }
  }
}

/** A number that is written into Cedar's JSON digit by digit: a JavaScript number is exact only up to 2^53. */
function rawJson(text: string): { readonly rawJSON: string } {
  // ECMAScript proposal JSON.parse source text access, which the compiler's library does not have yet
  return (JSON as typeof JSON & { rawJSON(text: string): { readonly rawJSON: string } }).rawJSON(text)
}
