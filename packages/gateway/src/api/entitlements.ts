import type { Context } from 'hono'
import { formatRef } from '#base'
import type { PolicyUse, RecordRow, UseQuery } from '#model/read'
import { ApiRefusal, authorize, type Caller, recordOwn } from './access.ts'
import { API_VERSION } from './contract.ts'
import type { ApiEnvironment } from './environment.ts'
import {
  type EntitlementFacts,
  entitlementFilter,
  type EntitlementList,
  type EntitlementView,
} from './evidence-contract.ts'
import { parseQuery } from './input.ts'
import { member } from './record-view.ts'
import type { ApiServices, EntitlementSubject } from './services.ts'

/** Whom it is asked about, and which uses are theirs. */
interface Asked {
  readonly subject: EntitlementSubject
  readonly uses: UseQuery
  readonly groups?: EntitlementList['groups']
}

/** `GET /entitlements`: who may do what, with need, owner and last use. One's own need no permit. */
export async function entitlements(services: ApiServices, context: Context<ApiEnvironment>): Promise<Response> {
  const filter = parseQuery(context, entitlementFilter)
  const { caller } = context.var
  const known = filter.identity === undefined ? undefined : await services.logins.find(filter.identity)
  const isOwn = known === caller.identity.id
  const about = filter.tool === undefined ? { identity: known ?? '?' } : { tool: filter.tool }
  const details = filter.identity === undefined && filter.tool === undefined ? {} : about
  if (isOwn) await recordOwn(services, caller, 'list-entitlements', details)
  else await authorize(services, caller, { action: 'explain', activity: 'list-entitlements', details })
  const { subject, uses: theirs, groups } = await askedAbout(services, caller, { ...filter, known })
  const uses = await services.reader.uses(theirs)
  const answer: EntitlementList = {
    apiVersion: API_VERSION,
    kind: 'EntitlementList',
    ...(groups === undefined ? {} : { groups }),
    entitlements: services.entitlements(subject).map((entitlement) => viewOf(entitlement, uses)),
  }
  return context.json(answer)
}

async function askedAbout(
  services: ApiServices,
  { identity: own }: Caller,
  asked: {
    readonly identity?: string | undefined
    readonly tool?: string | undefined
    readonly known: string | undefined
  },
): Promise<Asked> {
  if (asked.tool !== undefined) return toolAsked(asked.tool)
  if (asked.identity === undefined) return { subject: { kind: 'all' }, uses: {} }
  const id = asked.known
  if (id === undefined) throw new ApiRefusal('SP_API_NOT_FOUND', 'nobody of that name is known')
  const uses = { identity: id }
  if (id === own.id) return { subject: { kind: 'identity', identity: own }, uses }
  // Groups are what the identity provider said last; here that is what the last record says.
  const page = await services.reader.query({ identity: id, phase: 'intent', limit: 1 })
  const events = await services.reader.query({ identity: id, phase: 'event', limit: 1 })
  const [last] = [...page.rows, ...events.rows].sort((a, b) => b.sequence - a.sequence)
  const names = last === undefined ? [] : groupsOf(last)
  const kind = last !== undefined && userOf(last, 'type') === 'workload' ? 'workload' : 'person'
  const groups = last === undefined ? { names } : { names, ref: formatRef(last.sequence) }
  return { subject: { kind: 'identity', identity: { kind, id, groups: names } }, uses, groups }
}

function toolAsked(name: string): Asked {
  const [server, tool, rest] = name.split('/')
  if (server === undefined || tool === undefined || rest !== undefined)
    throw new ApiRefusal('SP_API_INVALID', 'a tool is named as server/tool')
  return { subject: { kind: 'tool', server, tool }, uses: { tool: { server, tool } } }
}

function viewOf(entitlement: EntitlementFacts, uses: readonly PolicyUse[]): EntitlementView {
  const { policy, resourceName } = entitlement
  const own = uses.filter(
    (use) => use.policy === policy && (resourceName === undefined || use.resource === resourceName),
  )
  const [last] = own
  if (last === undefined) return entitlement
  const count = own.reduce((sum, use) => sum + use.uses, 0)
  return { ...entitlement, lastUse: { ref: formatRef(last.sequence), timeMs: last.timeMs, uses: count } }
}

function userOf({ leaf }: RecordRow, name: string): unknown {
  return member(member(leaf['actor'], 'user'), name)
}

function groupsOf(row: RecordRow): readonly string[] {
  const groups = userOf(row, 'groups')
  if (!Array.isArray(groups)) return []
  return groups.map((group: unknown) => member(group, 'name')).filter((name) => typeof name === 'string')
}
