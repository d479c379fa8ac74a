import type { CallToolResult } from '@modelcontextprotocol/client'
import type { RecordList, RecordView } from '#api'
import { type Agent, connectAgent } from './agent.ts'
import type { Boundary } from './boundary.ts'
import { sallyport } from './command.ts'
import { api, connect, login, tokenOf } from './people.ts'
import { must, must0, refusalOf, type Step, type Tour, untilShown } from './showing.ts'

/** What the tour shows of AI agents and approvals. */
export const AGENT_STEPS: readonly Step[] = [
  { title: "alice's agent looks a customer up; both hops are on record under her name", run: agentLooksUp },
  { title: "a tool's SQL is refused to her psql, and her psql's SQL to a tool", run: scopesAreApart },
  { title: 'a large refund waits for bob, and runs once, exactly as approved', run: refundIsApproved },
]

async function agentLooksUp({ boundary }: Tour): Promise<string> {
  await login(boundary, 'dana')
  await using agent = await connectAgent(boundary, 'alice')
  const { tools } = await agent.client.listTools()
  must(tools.length === 3, `the agent sees ${tools.length} tools`)
  const result = await call(agent, 'lookup_customer', { id: 25 })
  const shown = JSON.stringify(result)
  must(result.isError !== true, textOf(result))
  must(!/\d(?:[ -]?\d){11,}/.test(shown), 'a whole card number came back')
  must(/"pan":"\*{10,15}\d{4}"/.test(shown), 'the card number is not truncated to its last four')
  const record = await recordOf(boundary, '/records?tool=lookup_customer&resource=cards&phase=intent&limit=1')
  const { via, caused_by: cause } = unmapped(record)
  must(via?.server === 'ledger' && cause?.kind === 'exact', 'the SQL is not linked to the call')
  const { stdout } = await must0(sallyport(boundary, 'log', '--tool', 'lookup_customer', '--profile', 'dana'))
  return stdout.trim().split('\n').at(-1)?.replaceAll(/\s+/g, ' ').trim() ?? ''
}

async function scopesAreApart(tour: Tour): Promise<string> {
  const client = await connect(tour.boundary, 'alice', await tokenOf(tour.boundary, 'alice'))
  try {
    // What the refund tool may do in her name.
    await refusalOf(tour, client, 'update orders set amount = amount - 1 where id = 3')
    // What she may do herself, and what a report may not do for her.
    const orders = await client.query('select placed, count(*) from orders group by placed')
    must(orders.rows.length > 0, 'alice cannot read orders herself')
  } finally {
    await client.end()
  }
  await using agent = await connectAgent(tour.boundary, 'alice')
  const fine = await call(agent, 'run_report', { name: 'customers_by_city' })
  must(fine.isError !== true, textOf(fine))
  const refused = await call(agent, 'run_report', { name: 'orders_by_day' })
  must(refused.isError === true, 'the report on orders was not refused')
  return textOf(refused)
}

const LARGE = { order: 741, amount: 150, currency: 'EUR' }

async function refundIsApproved({ boundary }: Tour): Promise<string> {
  await using agent = await connectAgent(boundary, 'alice')
  const small = await call(agent, 'refund', { ...LARGE, amount: 5 })
  must(small.isError !== true, textOf(small))
  const ref = heldRef(await call(agent, 'refund', LARGE))
  const own = await sallyport(boundary, 'approve', ref, '--profile', 'alice')
  must(own.exitCode !== 0, 'alice approved her own request')
  await login(boundary, 'bob')
  await must0(sallyport(boundary, 'show', ref, '--profile', 'bob'))
  await must0(sallyport(boundary, 'approve', ref, '--reason', 'the customer is right', '--profile', 'bob'))
  const other = heldRef(await call(agent, 'refund', { ...LARGE, amount: 151 }))
  must(other !== ref, 'the approval covers another amount')
  const paid = await call(agent, 'refund', LARGE)
  must(paid.isError !== true, textOf(paid))
  const again = heldRef(await call(agent, 'refund', LARGE))
  must(again !== ref, 'the approval was used twice')
  const record = await recordOf(
    boundary,
    `/records?approval=${ref}&resource=ledger&phase=intent&decision=allow&limit=1`,
  )
  must(unmapped(record).approval?.request === ref, 'the record of the refund does not name its approval')
  return `request ${ref}; ran as ${record.ref}; the same again waits as ${again}`
}

async function call(agent: Agent, name: string, args: Record<string, unknown>): Promise<CallToolResult> {
  return await agent.client.callTool({ name, arguments: args })
}

function textOf(result: CallToolResult): string {
  return result.content.map((part) => (part.type === 'text' ? part.text : '')).join('\n')
}

/** The reference of a held call. */
function heldRef(result: CallToolResult): string {
  const text = textOf(result)
  must(result.isError === true, 'the call was not held')
  const ref = /sallyport approve ([0-9A-Z]+)/.exec(text)?.[1]
  must(ref !== undefined, `the answer names no request: ${text}`)
  return ref ?? ''
}

async function recordOf(boundary: Boundary, path: string): Promise<RecordView> {
  await untilShown(boundary)
  const { records } = await api<RecordList>(boundary, 'dana', path)
  const [record] = records
  if (record === undefined) throw new Error(`there is no record for ${path}`)
  return record
}

/** What the steps look at in a record (docs/spec/record.md). */
interface Unmapped {
  readonly via?: { readonly server: string }
  readonly caused_by?: { readonly kind: string }
  readonly approval?: { readonly request: string }
}

function unmapped({ leaf }: RecordView): Unmapped {
  return leaf['unmapped'] as Unmapped
}
