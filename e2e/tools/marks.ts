/** An MCP server for the crash test: its tool writes its argument into a table, by turns as a literal and as a parameter. */
import { env } from 'node:process'
import pg from 'pg'
import { serve, text } from './stdio.ts'

/** Each statement stays in the database this long, so that most callers have one in flight when the gateway dies. */
const STATEMENT_SECONDS = 0.02

const database = new pg.Pool({ connectionString: env['DATABASE_URL'], max: 2 })
database.on('error', () => undefined)

const sleep = `pg_sleep(${STATEMENT_SECONDS}) is not null`
let calls = 0

serve({ name: 'marks' }, [
  {
    name: 'mark',
    description: 'Writes a mark down.',
    inputSchema: { type: 'object', properties: { mark: { type: 'string', maxLength: 100 } }, required: ['mark'] },
    call: async ({ mark }) => {
      try {
        if (calls++ % 2 === 0) await database.query(`insert into marks select '${String(mark)}' where ${sleep}`)
        else await database.query(`insert into marks select $1::text where ${sleep}`, [mark])
        return text(`written: ${String(mark)}`)
      } catch (error) {
        return `"error":${JSON.stringify({ code: -32000, message: String(error) })}`
      }
    },
  },
])
