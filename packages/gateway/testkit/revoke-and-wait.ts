/** For the test that kills it: revokes login after login in a store and says each when it is done. */
import { writeSync } from 'node:fs'
import { openStore } from '#storage'

const [, , file = '', ...grants] = process.argv
const store = await openStore({ file })
for (const grantId of grants) {
  await store.identity.logins.revoke(grantId, { atMs: 1, by: 'usr_b', reason: 'killed' })
  writeSync(1, `${grantId}\n`)
}
// To be killed, not to end.
setInterval(() => undefined, 60_000)
