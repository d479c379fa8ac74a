import type { TrailEvent } from '#model'
import { OTHER_ACTIVITY } from './verbs.ts'

/** The OCSF class of an event and the closed list of what can happen in it: activity → `activity_id`. */
export interface EventClass {
  readonly classUid: number
  readonly categoryUid: number
  readonly activities: Readonly<Record<string, number>>
}

const IAM = 3
const APPLICATION = 6

const READ = 2
const UPDATE = 3

/** Every class of event with its activities; `docs/spec/record.md` lists them, and a test compares. */
export const EVENT_CLASSES: Readonly<Record<TrailEvent['class'], EventClass>> = {
  authentication: {
    classUid: 3002,
    categoryUid: IAM,
    activities: {
      login: 1,
      logout: 2,
      'token-issued': 4,
      'token-refreshed': 5,
      'token-refused': 1,
    },
  },
  'authorize-session': {
    classUid: 3003,
    categoryUid: IAM,
    activities: { open: 1, close: OTHER_ACTIVITY },
  },
  'entity-management': {
    classUid: 3004,
    categoryUid: IAM,
    activities: {
      create: 1,
      activate: 10,
      rotate: 3,
      revoke: 4,
      'request-open': 1,
      'request-approve': UPDATE,
      'request-deny': UPDATE,
      'request-expire': 11,
      'request-withdraw': 4,
      'client-register': 1,
      'tool-changed': 9,
      'tool-missing': 9,
      'tool-unpinned': 9,
      'isolation-accept': 8,
      'child-start': 10,
      'child-end': 11,
    },
  },
  'api-activity': {
    classUid: 6003,
    categoryUid: APPLICATION,
    activities: {
      'read-trail': READ,
      'follow-trail': READ,
      explain: READ,
      'open-payload': READ,
      'verify-trail': READ,
      'trail-status': READ,
      'export-evidence': READ,
      'evidence-build': READ,
      'transcript-open': READ,
      'list-sessions': READ,
      'list-secrets': READ,
      'list-requests': READ,
      'show-request': READ,
      'list-entitlements': READ,
      'end-session': UPDATE,
      'set-secret': UPDATE,
      'rotate-secret': UPDATE,
      revoke: UPDATE,
      'approve-request': UPDATE,
      'deny-request': UPDATE,
    },
  },
  lifecycle: {
    classUid: 6002,
    categoryUid: APPLICATION,
    activities: { listen: OTHER_ACTIVITY },
  },
}

/** A record that the trail writes of itself. */
export type LifecycleActivity = 'start' | 'stop' | 'heartbeat' | 'gap'

/** What only the trail says of itself. */
export const LIFECYCLE_ACTIVITIES: Readonly<Record<LifecycleActivity, number>> = {
  start: 3,
  stop: 4,
  heartbeat: OTHER_ACTIVITY,
  gap: OTHER_ACTIVITY,
}

/** What an entity that is managed can be. */
export const ENTITY_TYPES: readonly string[] = [
  'policy',
  'configuration',
  'secret',
  'token',
  'grant',
  'session',
  'identity',
  'key',
  'operation',
  'request',
  'client',
  'server',
  'tool',
  'child',
  'evidence',
]
