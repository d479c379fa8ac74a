/** Where a command writes: data on standard output, talk on standard error. */
export interface Output {
  data(text: string): void
  talk(text: string): void
  readonly json: boolean
}

/** Where an output's bytes go. */
export interface Streams {
  readonly out: (text: string) => unknown
  readonly err: (text: string) => unknown
}

/** Makes an output. Much of what is shown was written by others (statements, names, reasons): none of it reaches the terminal as a command. */
export function createOutput(json: boolean, { out, err }: Streams): Output {
  return {
    json,
    data: (text) => {
      out(`${json ? escaped(text, (code) => `\\u${code.padStart(4, '0')}`) : plain(text)}\n`)
    },
    talk: (text) => {
      err(`${plain(text)}\n`)
    },
  }
}

/** Text with everything but line feeds and tabs shown that moves the cursor, changes the terminal or the direction of writing. */
export function plain(text: string): string {
  return escaped(text, (code) => (code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`))
}

/** Unicode's controls (Cc) and those of direction (UAX #9). */
const COMMANDS = /[^\P{Cc}\n\t]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu

function escaped(text: string, escape: (code: string) => string): string {
  return text.replaceAll(COMMANDS, (character) => escape(character.charCodeAt(0).toString(16)))
}

/** Prints a machine answer or its human form. */
export function print(output: Output, answer: unknown, human: () => string): void {
  output.data(output.json ? JSON.stringify(answer) : human())
}

/** Formats rows as left-aligned columns under their heads. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return [line(heads), ...rows.map(line)].join('\n')
}

/** Formats a time as UTC with seconds. */
export function utc(ms: number): string {
  return new Date(ms)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z')
}
