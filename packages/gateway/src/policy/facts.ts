import type { ClientAddress } from '#model'
import type { ContextValue } from './cedar.ts'
import type { Principal } from './entities.ts'
import type { FactName } from './schema.ts'

/** The circumstances of a request. */
export interface Circumstances {
  readonly nowMs: number
  /** Absent where the caller has no connection to speak of. */
  readonly client: ClientAddress | undefined
  /** The JSON text of a tool call's arguments; absent where there is none or it is not known. */
  readonly arguments?: string
}

/**
 * The context of a request: exactly the facts that the slice reads. A fact that is read and not known is left out, for which Cedar fails
 * the request (its schema demands it), which denies: never "absent", or a ban on a network would not fire.
 */
export function buildContext(
  facts: ReadonlySet<FactName>,
  principal: Principal,
  circumstances: Circumstances,
  args?: Readonly<Record<string, ContextValue>>,
): Readonly<Record<string, ContextValue>> {
  const context: Record<string, ContextValue> = args === undefined ? {} : { args }
  for (const fact of facts) {
    const value = factValue(fact, principal, circumstances)
    if (value !== undefined) context[fact] = value
  }
  return context
}

function factValue(fact: FactName, principal: Principal, circumstances: Circumstances): ContextValue | undefined {
  switch (fact) {
    case 'agent':
      return principal.agent === undefined ? undefined : { __entity: principal.agent }
    case 'mfa':
      return principal.mfa
    case 'net':
      return circumstances.client === undefined
        ? undefined
        : extension('ip', plainAddress(circumstances.client.address))
    case 'now':
      return extension('datetime', new Date(circumstances.nowMs).toISOString())
  }
}

function extension(fn: string, arg: string): ContextValue {
  return { __extn: { fn, arg } }
}

/** Cedar takes no IPv4 address mapped into IPv6 and no zone index; both are ways of writing the same address. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '').replace(/%.*$/, '')
}
