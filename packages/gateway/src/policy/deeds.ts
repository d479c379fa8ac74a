/** What a case does, from its words: `select schema.table`, `ddl kind name`, `server/tool`. */
import type { Access, Effect, ObjectName, ViaFacts } from '#model'

/**
 * `select schema.table`, with `computing column,column` or `computing *` behind it when expressions use columns; `call schema.function`,
 * `setSetting name`, `ddl table|schema|function name`, `ddl database`. Undefined for anything else.
 */
export function parseAccess(line: string): Access | undefined {
  const [effect = '', ...rest] = line.trim().split(/\s+/)
  if (effect === 'ddl') {
    const [kind = '', name = ''] = rest
    const object = parseObject(kind, name)
    return object === undefined ? undefined : { effect, object }
  }
  if (effect === 'select' && rest[1] === 'computing' && rest.length === 3) {
    const object = parseObject('table', rest[0] ?? '')
    const computed = rest[2] === '*' ? '*' : (rest[2] ?? '').split(',')
    return object === undefined ? undefined : { effect, object, computed }
  }
  if (!isEffect(effect) || rest.length !== 1) return undefined
  const kind = effect === 'call' ? 'function' : effect === 'setSetting' ? 'setting' : 'table'
  const object = parseObject(kind, rest[0] ?? '')
  return object === undefined ? undefined : { effect, object }
}

const EFFECTS: readonly string[] = ['select', 'insert', 'update', 'delete', 'truncate', 'call', 'setSetting']

function isEffect(word: string): word is Effect {
  return EFFECTS.includes(word)
}

function parseObject(kind: string, name: string): ObjectName | undefined {
  const dot = name.indexOf('.')
  const qualified = { schema: name.slice(0, Math.max(dot, 0)), name: name.slice(dot + 1) }
  switch (kind) {
    case 'database':
      return name === '' ? { kind } : undefined
    case 'schema':
      return name === '' ? undefined : { kind, schema: name }
    case 'setting':
      return name === '' ? undefined : { kind, name }
    case 'table':
    case 'function':
      return qualified.schema === '' || qualified.name === '' ? undefined : { kind, ...qualified }
    default:
      return undefined
  }
}

/** `server/tool`, or `server` alone; the tool's name may hold slashes of its own. Undefined for anything else. */
export function parseWay(words: string): ViaFacts | undefined {
  const slash = words.indexOf('/')
  if (slash < 0) return words === '' ? undefined : { server: words }
  const [server, tool] = [words.slice(0, slash), words.slice(slash + 1)]
  return server === '' || tool === '' ? undefined : { server, tool }
}
