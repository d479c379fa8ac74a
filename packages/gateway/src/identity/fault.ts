/** An error in one line for the log, with its causes: the libraries wrap what went wrong in what they were about. */
export function describeFault(error: unknown): string {
  const words: string[] = []
  // Causes are made by libraries, few deep; a cycle would never end.
  for (let current = error, depth = 0; current instanceof Error && depth < 5; current = current.cause, depth++)
    words.push(`${current.name}: ${current.message}${oauthWords(current)}`)
  return words.length === 0 ? 'not an error' : words.join(', because of ')
}

/** What an OAuth server said of its error (RFC 6749 §5.2). */
function oauthWords(error: object): string {
  const { error: code, error_description: description } = error as { error?: unknown; error_description?: unknown }
  const words = [code, description].filter((word) => typeof word === 'string')
  return words.length === 0 ? '' : ` (${words.join(': ').slice(0, 300)})`
}
