/** The last steps before the program, the same for every kind: limits that the kernel holds, and the relay. */
import { INSIDE, type SandboxPlan } from './sandbox.ts'
import { RELAY_INSIDE } from './system-view.ts'

/**
 * No core dumps, a bound on open files and on threads, and the first to go when the machine is out of memory. Shells differ in the letter for
 * processes. `$1` files, `$2` threads.
 */
const LAUNCH =
  'ulimit -c 0; ulimit -n "$1"; ulimit -u "$2" 2>/dev/null || ulimit -p "$2"; ' +
  'echo 1000 2>/dev/null >/proc/self/oom_score_adj; shift 2; exec "$@"'

/** A process of Node has about ten threads. */
const THREADS_PER_PROCESS = 10
/** The relay only moves bytes. */
const RELAY_FLAGS = ['--max-old-space-size=32', '--max-semi-space-size=1', '--disable-warning=ExperimentalWarning']
/** Of the memory of a child; the rest is for what lies outside the heap, and for the relay. */
const HEAP_SHARE = 0.6
const MIB = 1_048_576

/** The command that sets limits and becomes the program, or the relay that starts it. */
export function launcher(plan: SandboxPlan, relay: { readonly socketPath: string } | undefined): readonly string[] {
  const { openFiles, processes } = plan.limits
  const shell = ['/bin/sh', '-c', LAUNCH, 'sh', String(openFiles), String(processes * THREADS_PER_PROCESS)]
  if (relay === undefined) return [...shell, ...program(plan)]
  const offer = [RELAY_INSIDE, relay.socketPath, String(INSIDE.databasePort)]
  return [...shell, INSIDE.node, ...RELAY_FLAGS, ...offer, ...program(plan)]
}

/** The program, with an option for Node that keeps its heap within the limit; not set earlier, because the relay is Node too. */
function program(plan: SandboxPlan): readonly string[] {
  const heap = `--max-old-space-size=${String(Math.floor((plan.limits.memoryBytes * HEAP_SHARE) / MIB))}`
  const options = [plan.environment['NODE_OPTIONS'], heap].filter((option) => option !== undefined).join(' ')
  return ['/usr/bin/env', `NODE_OPTIONS=${options}`, ...plan.program]
}

/** The environment of a child: what was configured, a path, a home; nothing of ours. */
export function environmentOf(plan: SandboxPlan, home: string, path: string = INSIDE.path): NodeJS.ProcessEnv {
  const configured = Object.entries(plan.environment).filter(([name]) => name !== 'NODE_OPTIONS')
  return { LANG: 'C.UTF-8', PATH: path, HOME: home, TMPDIR: home, ...Object.fromEntries(configured) }
}
