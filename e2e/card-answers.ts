/** Answers of an MCP server with card numbers in every place that MCP has for them. */
import { WRITINGS } from './cards.ts'

/** One way for a number to lie in an answer. */
export interface AnswerKind {
  readonly name: string
  /** How many numbers it is given in all, and in one answer. */
  readonly count: number
  readonly each: number
  /** The JSON text of the member: `"result":…` or `"error":…`. */
  readonly make: (numbers: readonly string[]) => string
  /** A number that cannot be truncated refuses the answer. */
  readonly isRefused?: true
}

/** A number as it is written somewhere. */
export function written(number: string, index: number): string {
  return WRITINGS[index % WRITINGS.length]?.(number) ?? number
}

/** How a number is written as a JSON number. */
const SPELLINGS: readonly ((number: string) => string)[] = [
  (number) => number,
  (number) => `-${number}`,
  (number) => `${number}.0`,
  (number) => `${number}e0`,
  (number) => `${number.slice(0, 1)}.${number.slice(1)}e${number.length - 1}`,
]

/** A number as a JSON number. */
function spelled(number: string): string {
  return SPELLINGS[Number(number.at(-1)) % SPELLINGS.length]?.(number) ?? number
}

/** JSON as some write it: every character outside ASCII, and with `digits` every digit in strings, as an escape. */
function escaped(json: string, digits = false): string {
  const escape = (char: string): string => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
  const ascii = json.replaceAll(/[\u0080-\uffff]/g, escape)
  return digits ? ascii.replaceAll(/(?<!\\u[0-9a-f]{0,3})\d/g, escape) : ascii
}

/** JSON within a text, and that within a text, so many times. */
export function nested(value: unknown, levels: number): string {
  let text = JSON.stringify(value)
  for (let level = 1; level < levels; level++) text = JSON.stringify({ inner: text })
  return text
}

const result = (value: unknown): string => `"result":${JSON.stringify(value)}`
const texts = (values: readonly string[]): readonly object[] => values.map((text) => ({ type: 'text', text }))
const rows = (numbers: readonly string[]): object => ({
  rows: numbers.map((number, index) => ({ card: written(number, index) })),
})
const base64 = (number: string, index: number): string =>
  Buffer.from(`customer ${index};card=${number};end`).toString(index % 2 === 0 ? 'base64' : 'base64url')
const binary = (data: string, index: number): object =>
  [
    { type: 'resource', resource: { uri: `blob:${index}`, blob: data } },
    { type: 'image', data, mimeType: 'image/png' },
    { type: 'audio', data, mimeType: 'audio/wav' },
    { type: 'text', text: `data:text/plain;base64,${data}` },
    { type: 'text', text: data },
  ][index % 5] ?? {}

/** All the places, 6,500 numbers. */
export const ANSWER_KINDS: readonly AnswerKind[] = [
  { name: 'text', count: 1500, each: 10, make: (numbers) => result({ content: texts(numbers.map(written)) }) },
  {
    name: 'structured strings',
    ...{ count: 1000, each: 10 },
    make: (numbers) => result({ content: texts([JSON.stringify(rows(numbers))]), structuredContent: rows(numbers) }),
  },
  {
    name: 'structured numbers',
    ...{ count: 400, each: 1, isRefused: true },
    make: ([number = '']) => `"result":{"content":[],"structuredContent":{"card":${spelled(number)}}}`,
  },
  {
    name: 'numbers in JSON text',
    ...{ count: 400, each: 1 },
    make: ([number = '']) => result({ content: texts([`{"card": ${spelled(number)}, "name": "Ada"}`]) }),
  },
  {
    name: 'nested twice',
    ...{ count: 500, each: 10 },
    make: (numbers) => result({ content: texts([nested(rows(numbers), 2)]) }),
  },
  {
    name: 'nested three times',
    ...{ count: 500, each: 10 },
    make: (numbers) =>
      result({ content: texts([nested(rows(numbers), 3)]), structuredContent: { text: nested(rows(numbers), 3) } }),
  },
  {
    name: 'escaped, nested',
    ...{ count: 300, each: 10 },
    make: (numbers) =>
      `"result":${escaped(JSON.stringify({ content: texts([nested(rows(numbers), 2), ...numbers.map(written)]) }))}`,
  },
  {
    name: 'digits as escapes',
    ...{ count: 200, each: 10 },
    make: (numbers) =>
      `"result":{"content":[{"type":"text","text":${escaped(JSON.stringify(numbers.join(', ')), true)}}]}`,
  },
  {
    name: 'error results',
    ...{ count: 400, each: 10 },
    make: (numbers) =>
      result({
        content: texts(numbers.map((number, index) => `no such card: ${written(number, index)}`)),
        isError: true,
      }),
  },
  {
    name: 'protocol errors',
    ...{ count: 400, each: 10 },
    make: (numbers) =>
      `"error":${JSON.stringify({ code: -32001, message: `not found: ${numbers.slice(0, 5).map(written).join(', ')}`, data: rows(numbers.slice(5)) })}`,
  },
  {
    name: 'names of members',
    ...{ count: 300, each: 10 },
    make: (numbers) => {
      const byCard = Object.fromEntries(
        numbers.map((number, index) => [index % 2 === 0 ? number : written(number, 1), index]),
      )
      return result({ content: texts([JSON.stringify(byCard)]), structuredContent: byCard })
    },
  },
  {
    name: 'links',
    ...{ count: 200, each: 4 },
    make: ([uri = '', name = '', title = '', description = '']) =>
      result({
        content: [
          {
            type: 'resource_link',
            uri: `file:///cards/${written(uri, 1).replaceAll(' ', '%20')}`,
            name,
            title: written(title, 2),
            description: written(description, 5),
          },
        ],
      }),
  },
  {
    name: 'embedded texts',
    ...{ count: 200, each: 10 },
    make: (numbers) =>
      result({
        content: numbers.map((number, index) => ({
          type: 'resource',
          resource: {
            uri: `cards://${index % 2 === 0 ? number : index}`,
            mimeType: 'text/plain',
            text: written(number, index),
          },
        })),
      }),
  },
  {
    name: 'base64',
    count: 300,
    each: 10,
    make: (numbers) => result({ content: numbers.map((number, index) => binary(base64(number, index), index)) }),
  },
  {
    name: 'metadata',
    ...{ count: 200, each: 10 },
    make: (numbers) =>
      result({
        _meta: { 'example.com/cards': numbers.slice(0, 5) },
        content: texts(['see the metadata']).map((part) => ({ ...part, _meta: rows(numbers.slice(5)) })),
      }),
  },
]

/** One way for a number to lie in the arguments of a call. */
export interface ArgumentKind {
  readonly name: string
  readonly count: number
  readonly each: number
  /** The JSON text of the arguments. */
  readonly make: (numbers: readonly string[]) => string
}

const numbered = (values: readonly unknown[]): object =>
  Object.fromEntries(values.map((value, index) => [`v${index}`, value]))

/** Arguments of the tools that take anything: 2,900 numbers. */
export const ARGUMENT_KINDS: readonly ArgumentKind[] = [
  { name: 'strings', count: 1000, each: 10, make: (numbers) => JSON.stringify(numbered(numbers.map(written))) },
  {
    name: 'numbers',
    count: 500,
    each: 5,
    make: (numbers) => `{${numbers.map((number, index) => `"n${index}":${spelled(number)}`).join(',')}}`,
  },
  {
    name: 'nested values',
    count: 500,
    each: 10,
    make: (numbers) =>
      `{"a":[[{"b":[${numbers.map((number, index) => (index % 2 === 0 ? JSON.stringify(written(number, index)) : spelled(number))).join(', ')}]}]]}`,
  },
  {
    name: 'JSON within texts',
    count: 400,
    each: 10,
    make: (numbers) =>
      JSON.stringify({ text: nested(rows(numbers.slice(0, 5)), 2), deep: nested(rows(numbers.slice(5)), 3) }),
  },
  {
    name: 'names',
    count: 200,
    each: 10,
    make: (numbers) =>
      JSON.stringify(Object.fromEntries(numbers.map((number, index) => [written(number, index), index]))),
  },
  {
    name: 'escaped',
    count: 200,
    each: 10,
    make: (numbers) => escaped(JSON.stringify(numbered(numbers.map(written))), true),
  },
  { name: 'base64', count: 100, each: 10, make: (numbers) => JSON.stringify(numbered(numbers.map(base64))) },
]
