/** The command line of util-linux's unshare for one child. */
import { join } from 'node:path'
import { GatewayError } from '#model'
import { ETC_FILES } from './bubblewrap.ts'
import { launcher } from './launcher.ts'
import type { SandboxUser } from './sandbox-user.ts'
import { INSIDE, type SandboxPlan } from './sandbox.ts'
import { DIES_WITH_STARTER, diesWithUs } from './starter.ts'
import type { Seen } from './system-view.ts'
import { UNSHARE_SCRIPT } from './unshare-script.ts'

/** How unshare is used here. */
export interface UnshareVariant {
  readonly unshare: string
  readonly setpriv: string
  readonly user: SandboxUser
}

const NAMESPACES = ['--mount', '--pid', '--net', '--ipc', '--uts', '--fork', '--kill-child=KILL']

/** Words the command line. @throws {GatewayError} `SP_CONFIG_INVALID` for a path that the script could not tell apart. */
export function unshareCommand(
  plan: SandboxPlan,
  seen: Seen,
  { unshare, setpriv, user }: UnshareVariant,
): readonly string[] {
  const relay = plan.socket === undefined ? undefined : { socketPath: `${INSIDE.door}/${plan.socket}` }
  const root = join(plan.folder, 'root')
  const kind = user.isMapped ? 'mapped' : user.setsLimits ? 'sealed' : 'root'
  return [
    // unshare would outlive the gateway, and with it all that it waits for.
    ...diesWithUs(setpriv),
    ...[unshare, ...(user.isMapped ? ['--map-root-user'] : []), ...NAMESPACES, '--'],
    ...['/bin/sh', '-c', UNSHARE_SCRIPT, 'sh', root, String(plan.limits.temporaryBytes), kind],
    ...places(plan, seen, relay !== undefined).flatMap(checked),
    ...['--', plan.workingFolder],
    ...(user.isMapped ? unmapped(setpriv, unshare, user) : user.prefix(plan.slot)),
    ...launcher(plan, relay),
  ]
}

type Place = readonly ['ro' | 'link', from: string, to: string]

function places(plan: SandboxPlan, { view, code }: Seen, hasDoor: boolean): readonly Place[] {
  return [
    ...view.links.map(({ target, path }): Place => ['link', target, path]),
    ...[...view.binds, ...view.own].map(({ from, to }): Place => ['ro', from, to]),
    ...ETC_FILES.map((name): Place => ['ro', join(plan.folder, 'etc', name), `/etc/${name}`]),
    ...code.map(({ from, to }): Place => ['ro', from, to]),
    ...(hasDoor ? [['ro', join(plan.folder, 'door'), INSIDE.door] as const] : []),
  ]
}

function checked(place: Place): Place {
  const [, from, to] = place
  if (/[\s\\]/.test(from + to)) {
    throw new GatewayError('SP_CONFIG_INVALID', `without bubblewrap a path may hold no white space: ${from}`)
  }
  return place
}

/**
 * From root of the namespaces to a user without capabilities in a last namespace, of which no more can be made. Capabilities go when somebody
 * else than root starts a program (capabilities(7)), and none comes back; the last namespace can only be made while they are there.
 */
function unmapped(setpriv: string, unshare: string, user: SandboxUser): readonly string[] {
  const id = String(user.uid(0))
  const last = [unshare, `--map-user=${id}`, `--map-group=${id}`, '--']
  return [...last, setpriv, '--no-new-privs', ...DIES_WITH_STARTER, '--']
}
