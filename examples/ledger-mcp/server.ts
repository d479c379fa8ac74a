/**
 * ledger: an MCP server over a customer database, as one would write it without having heard of Sallyport. It takes the database's address from
 * `DATABASE_URL` and offers three tools over stdio.
 *
 *     DATABASE_URL=postgres://… node examples/ledger-mcp/server.ts
 */
import { env, stderr } from 'node:process'
import { McpServer } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import pg from 'pg'
import { z } from 'zod'

const database = new pg.Pool({ connectionString: env['DATABASE_URL'], max: 2 })
// An idle connection that the server closes is replaced by the next query.
database.on('error', (error) => {
  stderr.write(`ledger: ${error.message}\n`)
})

/** A result that programs and people can both read. */
function rows(found: readonly Record<string, unknown>[]): {
  content: { type: 'text'; text: string }[]
  structuredContent: { rows: Record<string, unknown>[] }
} {
  return { content: [{ type: 'text', text: JSON.stringify(found) }], structuredContent: { rows: [...found] } }
}

const anyRows = z.object({ rows: z.array(z.record(z.string(), z.unknown())) })

function createLedger(): McpServer {
  const server = new McpServer({ name: 'ledger', version: '1.0.0' })
  server.registerTool(
    'lookup_customer',
    {
      description: 'Looks a customer up by number: name, city, card and note.',
      inputSchema: z.object({ id: z.int().min(1).describe('The number of the customer') }),
      outputSchema: anyRows,
      annotations: { readOnlyHint: true },
    },
    async ({ id }) => {
      const found = await database.query<Record<string, unknown>>(
        'select id, name, city, pan, note from customers where id = $1',
        [id],
      )
      return rows(found.rows)
    },
  )
  server.registerTool(
    'refund',
    {
      description: 'Pays part of an order back.',
      inputSchema: z.object({
        order: z.int().min(1).describe('The number of the order'),
        amount: z.int().min(1).describe('How much, in whole units of the currency'),
        currency: z.enum(['EUR', 'USD']),
        reason: z.string().max(500).optional(),
      }),
      outputSchema: anyRows,
      annotations: { destructiveHint: true },
    },
    async ({ order, amount }) => {
      const changed = await database.query<Record<string, unknown>>(
        'update orders set amount = amount - $1 where id = $2 returning id, customer_id, amount::text',
        [amount, order],
      )
      return rows(changed.rows)
    },
  )
  server.registerTool(
    'run_report',
    {
      description: 'Runs a report by its name.',
      inputSchema: z.object({ name: z.enum(['customers_by_city', 'orders_by_day']) }),
      outputSchema: anyRows,
      annotations: { readOnlyHint: true },
    },
    async ({ name }) => rows((await database.query<Record<string, unknown>>(reports[name])).rows),
  )
  return server
}

const reports = {
  customers_by_city: 'select city, count(*)::int as customers from customers group by city order by city',
  orders_by_day: 'select placed::text as day, count(*)::int as orders from orders group by placed order by placed',
} as const

serveStdio(createLedger)
