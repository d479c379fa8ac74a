import { askingPolicies } from '@sallyport/verifier'
import { systemClock } from '#machine'
import { GatewayError, type TrailEvent, type TrailOutlet } from '#model'
import type { LoadedPolicy } from '#policy'
import type { McpResource } from '#protocols/mcp'
import type { Config } from './config/load.ts'
import { toolServersOf } from './mcp.ts'

/** What decides now, all of it at once: the policy, and the pins that it was loaded with. */
export interface InForce {
  readonly policy: LoadedPolicy
  /** With the pins in force. */
  readonly config: Config
  readonly toolServers: readonly McpResource[]
  /** The number of the record that it was put in force by; -1 before there is one. */
  readonly activationRecord: number
}

/** A policy that is not on record yet. */
export function beginning(policy: LoadedPolicy, config: Config): InForce {
  return { policy, config, toolServers: toolServersOf(config), activationRecord: -1 }
}

/** Records that a policy is in force from now on; its hash is over the pins too. Resolves when that is durable. */
export async function activate(trail: TrailOutlet, policy: LoadedPolicy, config: Config): Promise<InForce> {
  const { needs } = askingPolicies(policy.canonicalText)
  const approvers = [...needs].map(([id, need]) => ({ policy: id, need }))
  const event: TrailEvent = {
    class: 'entity-management',
    activity: 'activate',
    status: 'success',
    // The text of a policy does not stay; who had to approve under it must still show.
    details: { entity: { type: 'policy', uid: policy.hash }, approvers },
  }
  const [receipt] = await trail.record([{ kind: 'event', timeMs: systemClock.nowMs(), event }])
  if (receipt === undefined) throw new GatewayError('SP_TRAIL_UNAVAILABLE')
  return { ...beginning(policy, config), activationRecord: receipt.sequence }
}
