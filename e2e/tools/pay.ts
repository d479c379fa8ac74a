/** An MCP server for the test of approvals: what it pays it writes down, so that a test can count what ran. */
import { env } from 'node:process'
import pg from 'pg'
import { serve, text, type Tool } from './stdio.ts'

const database = new pg.Pool({ connectionString: env['DATABASE_URL'], max: 2 })
database.on('error', () => undefined)

const payment = {
  type: 'object',
  properties: {
    order: { type: 'integer' },
    amount: { type: 'integer' },
    currency: { type: 'string' },
    note: { type: 'string' },
    urgent: { type: 'boolean' },
  },
  required: ['order', 'amount'],
}
const adjustment = {
  type: 'object',
  properties: { id: { type: 'integer' }, amount: { type: 'integer' } },
  required: ['id', 'amount'],
}

async function run(sql: string, parameters: readonly unknown[]): Promise<string> {
  try {
    const { rowCount } = await database.query(sql, [...parameters])
    return text(`done: ${rowCount ?? 0}`)
  } catch (error) {
    return `"result":${JSON.stringify({ content: [{ type: 'text', text: String(error) }], isError: true })}`
  }
}

/** What is different about a definition, when the test wants another one. */
const more = env['MORE_WORDS'] ?? ''

serve({ name: 'pay' }, [
  ...['pay', 'pay_twin'].map((name): Tool => ({
    name,
    description: `Pays.${more}`,
    inputSchema: payment,
    call: (given) => run('insert into payments values ($1)', [JSON.stringify(given)]),
  })),
  ...['adjust', 'adjust_twin'].map((name): Tool => ({
    name,
    description: 'Changes a limit.',
    inputSchema: adjustment,
    call: ({ id, amount }) => run('update limits set amount = $1 where id = $2', [amount, id]),
  })),
])
