/** Messages of PostgreSQL's extended protocol, byte by byte as a test wants them. */

/** A parameter of a Bind. */
interface WireParameter {
  /** The value's bytes; null for NULL. */
  readonly value: Buffer | string | null
  readonly format?: 0 | 1
}

/** One statement, prepared and run. */
export interface WireStatement {
  readonly text: string
  /** Types that the client declares; 0 leaves it to the server. */
  readonly types?: readonly number[]
  readonly parameters?: readonly WireParameter[]
  /** The name of the prepared statement. */
  readonly name?: string
}

/** Parse, Bind, Execute, Sync. */
export function extended({ text, types = [], parameters = [], name = '' }: WireStatement): Buffer {
  const parse = message('P', cstring(name), cstring(text), int16(types.length), ...types.map(int32))
  const bind = message(
    'B',
    ...[cstring(''), cstring(name), int16(parameters.length), ...parameters.map(({ format = 0 }) => int16(format))],
    ...[int16(parameters.length), ...parameters.map(({ value }) => field(value)), int16(0)],
  )
  return Buffer.concat([parse, bind, message('E', cstring(''), int32(0)), message('S')])
}

/** An int4 in binary. */
export function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeInt32BE(value)
  return buffer
}

function int16(value: number): Buffer {
  const buffer = Buffer.alloc(2)
  buffer.writeInt16BE(value)
  return buffer
}

function field(value: WireParameter['value']): Buffer {
  if (value === null) return int32(-1)
  const bytes = Buffer.from(value)
  return Buffer.concat([int32(bytes.length), bytes])
}

function cstring(text: string): Buffer {
  return Buffer.from(`${text}\0`)
}

function message(type: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body])
}
