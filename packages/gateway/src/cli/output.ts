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

/**
 * Makes an output. Much of what is shown was written by others (statements, arguments, names, reasons): none of it reaches the terminal as a command,
 * and whoever approves or audits it sees all that is there.
 */
export function createOutput(json: boolean, { out, err }: Streams): Output {
  return {
    json,
    data: (text) => {
      out(`${json ? text.replaceAll(UNSEEN, escapeJson) : plain(text)}\n`)
    },
    talk: (text) => {
      err(`${plain(text)}\n`)
    },
  }
}

/**
 * What is not seen as what it is, but for line feeds and tabs: characters that move the cursor, turn the direction of writing (UAX #9), join, hide, have
 * no glyph or none yet (Unicode's C), take up space without being U+0020 (Z and the blank Braille pattern), or are to be ignored in display.
 */
const UNSEEN = /[^\P{C}\n\t]|[^\P{Z} ]|[\p{Default_Ignorable_Code_Point}\u2800]/gu

/**
 * Text for a terminal, with everything that is not seen as what it is by its number: `<U+202E>`. That is nothing in SQL and JSON, unlike `\u202e`; where it
 * was written as such, its first character is shown by its number too, so that it can only be read in one way.
 */
export function plain(text: string): string {
  return text.replaceAll(/<(?=U\+)/g, numberOf('<')).replaceAll(UNSEEN, numberOf)
}

function numberOf(character: string): string {
  return `<U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}>`
}

/** As JSON writes it, in UTF-16 (RFC 8259 §7). */
function escapeJson(character: string): string {
  return Array.from({ length: character.length }, (_, at) => character.charCodeAt(at))
    .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
    .join('')
}

/** Text that others wrote, where the next line is ours. */
export function oneLine(text: string): string {
  return text.replaceAll(/\r?\n/g, ' ')
}

/** Prints a machine answer or its human form. */
export function print(output: Output, answer: unknown, human: () => string): void {
  output.data(output.json ? JSON.stringify(answer) : human())
}

/** Formats rows as left-aligned columns under their heads. */
export function table(heads: readonly string[], given: readonly (readonly string[])[]): string {
  const rows = given.map((row) => row.map(oneLine))
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .replace(/ +$/, '')
  return [line(heads), ...rows.map(line)].join('\n')
}

/** Formats a time as UTC with seconds. */
export function utc(ms: number): string {
  return new Date(ms)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z')
}
