/** What a child's kernel refuses it besides what it cannot see: sockets that know no network namespace. */

/** linux/audit.h and the tables of system calls: what a filter must know of a machine. */
interface Machine {
  readonly architecture: number
  readonly socket: number
}

const machines: Readonly<Partial<Record<NodeJS.Architecture, Machine>>> = {
  x64: { architecture: 0xc000003e, socket: 41 },
  arm64: { architecture: 0xc00000b7, socket: 198 },
}

/** The same everywhere. A ring opens sockets without the call that is watched here; programs do without one where there is none. */
const IO_URING_SETUP = 425
/** Calls of x32, which has numbers of its own for the same. */
const X32 = 0x40000000
/** `AF_UNIX`, `AF_INET`, `AF_INET6`, `AF_NETLINK`: each in the namespace of who opens it. `AF_VSOCK` (virtual machine to its host) is in none. */
const FAMILIES = [1, 2, 10, 16]

/** linux/filter.h, linux/seccomp.h; `struct seccomp_data`: number, architecture, instruction pointer, arguments. */
const LOAD = 0x20
const JUMP_EQUAL = 0x15
const JUMP_AT_LEAST = 0x35
const RETURN = 0x06
const NUMBER = 0
const ARCHITECTURE = 4
const FIRST_ARGUMENT = 16
const ALLOW = 0x7fff0000
const ERROR = 0x00050000
const ENOSYS = 38
const EAFNOSUPPORT = 97

const INSTRUCTION_BYTES = 8

/** Where the filter lies in the folder of a child. */
export const FILTER_FILE = 'system-calls.bpf'

type Instruction = readonly [code: number, whenTrue: number, whenFalse: number, value: number]

/** The filter for a machine, as `seccomp(2)` takes it; undefined for one whose calls are not known here. */
export function systemCallFilter(architecture: NodeJS.Architecture): Uint8Array | undefined {
  const machine = machines[architecture]
  return machine === undefined ? undefined : encode(program(machine))
}

/** Where each answer stands; a jump says how many instructions it skips. */
const FIRST_FAMILY = 7
const OTHER_FAMILY = FIRST_FAMILY + FAMILIES.length
const PERMITTED = OTHER_FAMILY + 1
const MISSING = OTHER_FAMILY + 2

function program({ architecture, socket }: Machine): readonly Instruction[] {
  return [
    [LOAD, 0, 0, ARCHITECTURE],
    [JUMP_EQUAL, 0, MISSING - 2, architecture],
    [LOAD, 0, 0, NUMBER],
    [JUMP_AT_LEAST, MISSING - 4, 0, X32],
    [JUMP_EQUAL, MISSING - 5, 0, IO_URING_SETUP],
    [JUMP_EQUAL, 0, PERMITTED - 6, socket],
    [LOAD, 0, 0, FIRST_ARGUMENT],
    ...FAMILIES.map((family, index): Instruction => [JUMP_EQUAL, PERMITTED - FIRST_FAMILY - index - 1, 0, family]),
    [RETURN, 0, 0, ERROR | EAFNOSUPPORT],
    [RETURN, 0, 0, ALLOW],
    [RETURN, 0, 0, ERROR | ENOSYS],
  ]
}

/** `struct sock_filter`, in the byte order of the machines above. */
function encode(instructions: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(instructions.length * INSTRUCTION_BYTES)
  const view = new DataView(bytes.buffer)
  for (const [index, [code, whenTrue, whenFalse, value]] of instructions.entries()) {
    const at = index * INSTRUCTION_BYTES
    view.setUint16(at, code, true)
    view.setUint8(at + 2, whenTrue)
    view.setUint8(at + 3, whenFalse)
    view.setUint32(at + 4, value, true)
  }
  return bytes
}
