/** Where a command writes: data on standard output, talk on standard error. */
export interface Output {
  data(text: string): void
  talk(text: string): void
  readonly json: boolean
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
