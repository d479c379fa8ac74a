import type { HttpBindings } from '@hono/node-server'
import type { Caller } from './access.ts'

/** What hono carries with each request here: node's own request, and who calls. */
export interface ApiEnvironment {
  Bindings: HttpBindings
  Variables: { caller: Caller }
}
