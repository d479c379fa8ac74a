/** The payload of a record for people: the statement with its parameters, or the arguments of a call, as they were written. */
export function payloadLines(payload: string): readonly string[] {
  return statementLines(payload) ?? (argumentsOf(payload) ?? payload).split('\n')
}

function statementLines(payload: string): readonly string[] | undefined {
  const { statement, parameters } = payloadMembers(payload)
  if (typeof statement !== 'string') return undefined
  const hasParameters = Array.isArray(parameters) && parameters.length > 0
  return [...statement.split('\n'), ...(hasParameters ? [`with ${JSON.stringify(parameters)}`] : [])]
}

/**
 * The arguments of a call as they were written, or undefined when it has none. Cut out, not parsed: read as JSON, `500.0` would be shown as `500`, and
 * that is not what was asked. Within a string a quote is escaped, so the member's name is found nowhere else before them.
 */
export function argumentsOf(payload: string): string | undefined {
  const key = '"arguments":'
  const at = payload.indexOf(key)
  return at < 0 || !payload.endsWith('}') ? undefined : payload.slice(at + key.length, -1)
}

/** The members of a payload; none when it is no object. */
export function payloadMembers(payload: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(payload)
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  } catch {
    return {}
  }
}
