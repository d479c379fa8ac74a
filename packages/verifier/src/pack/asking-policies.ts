import { encodeHex, encodeUtf8 } from '../bytes.ts'
import { sha256 } from '../sha256.ts'
import { type JsonObject, textAt, textsAt, valueAt } from './members.ts'

/** Which policies ask for an approval, and whose. */
export interface AskingPolicies {
  /** The hash by which decisions name this policy; undefined when none is known, and so of no decision whether it asked. */
  readonly hash: string | undefined
  /** What `@approvers` says, by `@id`. */
  readonly needs: ReadonlyMap<string, string>
}

/** More than a policy has: one for each table and column that is declared, three for each tool. */
const MAX_VALUES = 1_000_000

/** Where the policy is not known. */
export const NO_POLICY: AskingPolicies = { hash: undefined, needs: new Map() }

/** What is known of each policy, by its hash. */
export type KnownPolicies = ReadonlyMap<string | null, AskingPolicies['needs']>

/** What a record that put a policy in force says of it; undefined for another record, and for one that does not say it. */
export function askingInForce(leaf: JsonObject): AskingPolicies | undefined {
  const approvers = valueAt(leaf, 'unmapped', 'details', 'approvers')
  const isActivation =
    valueAt(leaf, 'entity', 'type') === 'policy' && valueAt(leaf, 'unmapped', 'activity') === 'activate'
  if (!isActivation || !Array.isArray(approvers)) return undefined
  const needs = approvers.map((asks): [string, string] => [textAt(asks, 'policy') ?? '', textAt(asks, 'need') ?? ''])
  return { hash: textAt(leaf, 'entity', 'uid') ?? undefined, needs: new Map(needs) }
}

/**
 * Reads the annotations of every policy in the text that a policy's hash is the SHA-256 of. Cedar is not evaluated here: which policies determined a
 * decision its record says, and which of them ask for an approval stands in their texts.
 */
export function askingPolicies(policyText: string): AskingPolicies {
  const needs = new Map<string, string>()
  for (const text of policyFiles(policyText)) collect(text, needs)
  return { hash: encodeHex(sha256(encodeUtf8(policyText))), needs }
}

/** The texts of the policy files in the text that a policy's hash is the SHA-256 of; none when that is no text of a policy. */
export function policyFiles(policyText: string): readonly string[] {
  if (!hasFewValues(policyText)) return []
  try {
    return textsAt(JSON.parse(policyText), 'files')
  } catch {
    // It has the digest that was signed, so this is how it was made; it lists no files then.
    return []
  }
}

/** Every value of a JSON text but the first stands behind a comma, or in a list or an object of its own; each takes memory, however short. */
function hasFewValues(text: string): boolean {
  let values = 0
  for (let at = 0; at < text.length && values <= MAX_VALUES; at += 1) {
    const character = text.charAt(at)
    if (character === '"') at = endOfString(text, at + 1) - 1
    else if (character === ',' || character === '[' || character === '{') values += 1
  }
  return values <= MAX_VALUES
}

/** Cedar 4, Grammar: `Annotation ::= '@' IDENT '(' STR ')'`; they stand before their policy, and a policy ends with `;`. */
function collect(text: string, needs: Map<string, string>): void {
  let annotations = new Map<string, string>()
  const recent: string[] = []
  for (const token of tokensOf(text)) {
    recent.push(token)
    if (recent.length > 5) recent.shift()
    const [at, name, open, value, close] = recent
    if (at === '@' && name !== undefined && open === '(' && value?.startsWith('"') === true && close === ')')
      annotations.set(name, unquote(value))
    if (token !== ';') continue
    const [id, approvers] = [annotations.get('id'), annotations.get('approvers')]
    if (id !== undefined && approvers !== undefined) needs.set(id, approvers)
    annotations = new Map()
  }
}

/** Words, marks and strings with their quotes; not white space and comments. */
function* tokensOf(text: string): Generator<string> {
  let at = 0
  while (at < text.length) {
    const start = at
    if (text.startsWith('//', at)) {
      // As Cedar's lexer has it, a carriage return alone ends the line too.
      while (at < text.length && !/[\n\r]/.test(text.charAt(at))) at += 1
      continue
    }
    at += 1
    const first = text.charAt(start)
    if (/[\s\u0085]/.test(first)) continue
    if (first === '"') at = endOfString(text, at)
    else if (isLetter(first)) while (at < text.length && isLetter(text.charAt(at))) at += 1
    yield text.slice(start, at)
  }
}

/** Behind the closing quote, or the end of the text. */
function endOfString(text: string, from: number): number {
  let at = from
  while (at < text.length && text.charAt(at) !== '"') at += text.charAt(at) === '\\' ? 2 : 1
  return Math.min(at + 1, text.length)
}

function isLetter(character: string): boolean {
  return /\w/.test(character)
}

/** Cedar's escapes are those of Rust; ids and needs use hardly any. */
function unquote(quoted: string): string {
  const simple: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '0': '\0' }
  return quoted
    .slice(1, -1)
    .replaceAll(
      /\\(?:u\{([0-9a-fA-F]{1,6})\}|x([0-9a-fA-F]{2})|(.))/gs,
      (_, unicode, hex, other: string | undefined) => {
        const code = typeof unicode === 'string' ? unicode : typeof hex === 'string' ? hex : undefined
        if (code !== undefined) return codePoint(Number.parseInt(code, 16))
        return simple[other ?? ''] ?? other ?? ''
      },
    )
}

function codePoint(code: number): string {
  return code <= 0x10ffff ? String.fromCodePoint(code) : ''
}
