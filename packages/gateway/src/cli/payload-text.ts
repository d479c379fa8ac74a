/** The payload of a record for people: the statement with its parameters, or the arguments of a call, as they were written. */
export function payloadLines(payload: string): readonly string[] {
  return statementLines(payload) ?? (argumentsOf(payload) ?? payload).split('\n')
}

function statementLines(payload: string): readonly string[] | undefined {
  const { statement, parameters } = parsed(payload)
  if (typeof statement !== 'string') return undefined
  const hasParameters = Array.isArray(parameters) && parameters.length > 0
  return [...statement.split('\n'), ...(hasParameters ? [`with ${JSON.stringify(parameters)}`] : [])]
}

/** Cut out, not parsed: numbers keep their spelling. Within a string the quotes of `"arguments":` would be escaped. */
function argumentsOf(payload: string): string | undefined {
  const key = '"arguments":'
  const at = payload.indexOf(key)
  return at < 0 || !payload.endsWith('}') ? undefined : payload.slice(at + key.length, -1)
}

function parsed(payload: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(payload)
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  } catch {
    return {}
  }
}
