/**
 * An MCP server for the test of card numbers: it answers what it is told, line by line of a file, byte for byte. Its first argument is the file; the
 * file's first line is what it says of itself.
 */
import { readFileSync } from 'node:fs'
import { argv, env, stderr, stdout } from 'node:process'
import pg from 'pg'
import { serve, text } from './stdio.ts'

const lines = readFileSync(argv[2] ?? '', 'utf8').split('\n')
const words = lines[0] ?? ''
const database = new pg.Pool({ connectionString: env['DATABASE_URL'], max: 2 })
database.on('error', () => undefined)

const anything = { type: 'object' }
const line = { type: 'object', properties: { line: { type: 'integer' } }, required: ['line'] }
const lineOf = (given: Readonly<Record<string, unknown>>): string => lines[Number(given['line'])] ?? ''

serve({ name: 'told', title: words }, [
  { name: 'answer', description: 'Answers a line.', inputSchema: line, call: lineOf },
  {
    name: 'complain',
    description: `Writes a line to its log. ${words}`,
    inputSchema: line,
    call: (given) => {
      stderr.write(`${lineOf(given)}\n`)
      stdout.write(`${lineOf(given)}\n`)
      return text('complained')
    },
  },
  ...['take', 'keep', 'lose'].map((name) => ({
    name,
    description: 'Takes whatever it is given, and says it again.',
    inputSchema: anything,
    call: (given: Readonly<Record<string, unknown>>) => text(JSON.stringify(given)),
  })),
  {
    name: 'store',
    description: 'Writes a value down, and reads it back.',
    inputSchema: { type: 'object', properties: { value: { type: 'string' } }, required: ['value'] },
    call: async ({ value }) => {
      try {
        const literal = String(value).replaceAll("'", "''")
        await database.query('insert into kept values ($1)', [value])
        const { rows } = await database.query(`select value from kept where value = '${literal}' /* ${literal} */`)
        await database.query(`select '${literal}'::date`)
        return text(JSON.stringify(rows))
      } catch (error) {
        return `"error":${JSON.stringify({ code: -32000, message: String(error), data: { value } })}`
      }
    },
  },
])
