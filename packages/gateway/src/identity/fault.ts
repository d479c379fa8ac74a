/** An error in one line for the log, with its causes: the libraries wrap what went wrong in what they were about. */
export function describeFault(error: unknown): string {
  const words: string[] = []
  // Causes are made by libraries, few deep; a cycle would never end.
  for (let current = error, depth = 0; current instanceof Error && depth < 5; current = current.cause, depth++)
    words.push(`${current.name}: ${current.message}`)
  return words.length === 0 ? 'not an error' : words.join(', because of ')
}
