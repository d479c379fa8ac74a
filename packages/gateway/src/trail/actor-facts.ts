import type { JsonObject } from '#base'
import type { Identity, Scrubber, Session } from '#model'
import { capList, LEAF_BOUNDS } from './bounds.ts'
import { requireCount, requireName, requireText } from './requirements.ts'

/** Who, as a leaf says it. */
export interface ActorFacts {
  readonly actor: JsonObject
  /** Lists that were cut. */
  readonly truncated: readonly string[]
}

/** OCSF `user.type_id`: 1 User, 4 Service. */
const USER_TYPES = { person: 1, workload: 4 } as const

/**
 * The OCSF `actor` of a record. A person appears by stable id only: name and subject lie in the erasable roster.
 *
 * @throws {GatewayError} `SP_TRAIL_UNAVAILABLE` when an id is missing.
 */
export function actorFacts(identity: Identity, session: Session | undefined, scrubber: Scrubber): ActorFacts {
  const { agent } = identity
  const names = identity.groups.map((name) => ({ name: scrubber.scrubText(requireText(name, 'actor.user.groups')) }))
  const groups = capList(names, LEAF_BOUNDS.groups)
  const app =
    agent === undefined
      ? {}
      : { app_name: agentName(agent.name, scrubber), app_uid: requireName(agent.id, 'actor.app_uid') }
  const actor = {
    ...app,
    idp: { uid: requireName(identity.issuer, 'actor.idp.uid') },
    ...loginFacts(identity, session),
    user: { ...userFacts(identity, scrubber), ...(groups.length === 0 ? {} : { groups }) },
  }
  return { actor, truncated: groups.length < names.length ? ['groups'] : [] }
}

/** The OCSF `user` of an identity, without groups. */
export function userFacts(identity: Identity, scrubber: Scrubber): JsonObject {
  const user = {
    type: identity.kind,
    type_id: USER_TYPES[identity.kind],
    uid: requireName(identity.id, 'actor.user.uid'),
  }
  if (identity.kind === 'person') return user
  return { ...user, name: scrubber.scrubText(requireName(identity.name, 'actor.user.name')) }
}

/** The session or, of what needs none (an answer to a request, a reading of the trail), what is known of the login behind it. */
function loginFacts(identity: Identity, session: Session | undefined): JsonObject {
  if (session !== undefined) return { session: sessionFacts(session) }
  return identity.kind === 'person' ? { session: { is_mfa: identity.mfa } } : {}
}

function sessionFacts(session: Session): JsonObject {
  return {
    created_time: requireCount(session.startedAtMs, 'actor.session.created_time'),
    credential_uid: requireName(session.tokenId, 'actor.session.credential_uid'),
    expiration_time: requireCount(session.endsAtMs, 'actor.session.expiration_time'),
    is_mfa: session.identity.mfa,
    uid: requireName(session.id, 'actor.session.uid'),
  }
}

function agentName(name: string, scrubber: Scrubber): string {
  return scrubber.scrubText(requireName(name, 'actor.app_name'))
}
