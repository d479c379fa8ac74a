import type { Boundary } from './boundary.ts'
import { CUSTOMERS } from './data.ts'
import { PEOPLE, tokenOf } from './people.ts'

/** The one screen that `npm start` shows. */
export async function screen(boundary: Boundary): Promise<string> {
  const token = await tokenOf(boundary, 'alice')
  const [alice, bob, dana] = PEOPLE.map((person) => boundary.profile(person))
  return `
  Try (alice, support):
    PGPASSWORD=${token} psql "host=127.0.0.1 port=${boundary.postgresPort} user=alice dbname=cards"
      select id, name, pan from customers limit 5;      card numbers come back truncated
      drop table customers;                             refused, with a reference; the session goes on
    npx sallyport token cards --profile ${alice}           a new password; each is good for 15 minutes
  With an AI agent (log in as alice):
    claude mcp add --transport http ledger ${boundary.url}/mcp/ledger
      "look up customer 25", "refund 150 EUR of order 741"       a refund above 100 waits:
    npx sallyport requests --profile ${bob}                what waits; then show, approve or deny <ref>

  See (dana, auditor):
    npx sallyport log --profile ${dana}                    who asked what, and how it ended
    npx sallyport why <ref> --profile ${dana} --payload    why it was decided so; the exact statement
    npx sallyport sessions --profile ${dana}               and: sessions show <id> --transcript
    npx --no-install sallyport-verify ${boundary.trailFolder}

  Behind it: ${CUSTOMERS} customers; trail, policy and configuration in ${boundary.folder}
  Prove it:  npm start -- --check
  Ctrl-C stops and removes everything (npm start -- --keep keeps the folder).
`
}
