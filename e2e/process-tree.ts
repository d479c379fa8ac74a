/** What runs below a process, on Linux, as `/proc` shows it; also in other pid namespaces. */
import { readdirSync, readFileSync } from 'node:fs'

/** A process, told from a later one of the same number by when it began. */
export interface RunningProcess {
  readonly pid: number
  readonly parent: number
  readonly began: string
  /** `Z`: it is over, and only its parent has not noticed. */
  readonly state: string
}

/** Everything below a process, without itself. */
export function descendantsOf(pid: number): readonly RunningProcess[] {
  const children = Map.groupBy(allProcesses(), ({ parent }) => parent)
  const found: RunningProcess[] = []
  const open = [pid]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const child of children.get(next) ?? []) {
      found.push(child)
      open.push(child.pid)
    }
  }
  return found
}

/** Which of these still run. */
export function alive(processes: readonly RunningProcess[]): readonly RunningProcess[] {
  return processes.filter(({ pid, began }) => {
    const now = readProcess(pid)
    return now?.began === began && now.state !== 'Z' && now.state !== 'X'
  })
}

/** How a process was started. */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    return ''
  }
}

function allProcesses(): readonly RunningProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)) ?? [])
}

/** proc_pid_stat(5): `pid (comm) state ppid …`, the 22nd field is the start time; the name may hold spaces and brackets. */
function readProcess(pid: number): RunningProcess | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const [state = '', parent = '', ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { pid, parent: Number(parent), state, began: rest[17] ?? '' }
  } catch {
    return undefined
  }
}
