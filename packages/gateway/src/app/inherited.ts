import { closeSync, readdirSync, readFileSync } from 'node:fs'

/** fcntl.h of Linux: `O_CLOEXEC`, as `/proc/PID/fdinfo` says it (proc(5)). */
const CLOSE_ON_EXEC = 0o2000000
const STANDARD_STREAMS = 3

/**
 * Closes what this process inherited besides its standard streams: an open file, pipe or socket of whoever started us would go on to every MCP
 * server, past all that keeps it apart. Node opens its own so that they are not handed on, and closes to children what was inherited with low numbers
 * only. To be called before anything else is opened; where there is no `/proc` nothing is done.
 */
export function closeInherited(): void {
  for (const descriptor of openDescriptors()) {
    if (descriptor >= STANDARD_STREAMS && isHandedOn(descriptor)) closeSync(descriptor)
  }
}

function openDescriptors(): readonly number[] {
  try {
    return readdirSync('/proc/self/fdinfo').map(Number)
  } catch {
    return []
  }
}

function isHandedOn(descriptor: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${String(descriptor)}`, 'latin1'))?.[1]
    return flags !== undefined && (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0
  } catch {
    // The one through which they were listed is closed again.
    return false
  }
}
