import { loadModule } from 'libpg-query'
import { type Parsed, type ParsedStatement, parseText } from '../parse.ts'
import { meaning } from './vectors.ts'

// Tests of the analysis parse on their own thread: a text that breaks the parser fails the test, as it should.
await loadModule()

/** Parses one text with the vectors' meaning of names. */
export function parse(text: string): Parsed {
  return parseText(text, meaning)
}

/** The statements of a text that must have some. */
export function statements(text: string): readonly ParsedStatement[] {
  const parsed = parse(text)
  if (parsed.kind !== 'statements') throw new Error(`${parsed.kind} instead of statements`)
  return parsed.statements
}

/** The one statement of a text. */
export function statement(text: string): ParsedStatement {
  const [only, ...others] = statements(text)
  if (only === undefined || others.length > 0) throw new Error('not exactly one statement')
  return only
}
