import type { Readable } from 'node:stream'

/** Calls back with each line of a stream of ASCII, without its newline. */
export function onLine(stream: Readable, take: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('latin1').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) take(line)
  })
}
