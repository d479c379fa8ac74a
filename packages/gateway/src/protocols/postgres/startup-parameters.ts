/**
 * Settings that a client may ask for when it connects. The list is short, and values have a form, for two reasons: nothing may change what
 * a statement means to the parser, and nothing of a client's choosing may reach the database without a record.
 */
import type { Answer } from './refuse.ts'

/** What a client asked for, as far as it may. */
export interface ClientParameters {
  readonly user: string
  readonly database: string | undefined
  /** Its own name for itself; told back to it, never a fact, never passed on. */
  readonly applicationName: string
  /** For the database. */
  readonly settings: ReadonlyMap<string, string>
}

/** PostgreSQL 18, guc.c: setting names compare without regard to case. */
const forms = new Map<string, RegExp>([
  ['datestyle', /^[A-Za-z, ]{1,32}$/],
  ['timezone', /^[A-Za-z0-9_+\-/:<>,. ]{1,64}$/],
  ['intervalstyle', /^[A-Za-z_]{1,32}$/],
  ['extra_float_digits', /^-?[0-9]{1,2}$/],
  ['statement_timeout', /^[0-9]{1,10} ?(us|ms|s|min|h|d)?$/],
  ['lock_timeout', /^[0-9]{1,10} ?(us|ms|s|min|h|d)?$/],
  ['idle_in_transaction_session_timeout', /^[0-9]{1,10} ?(us|ms|s|min|h|d)?$/],
])

const MAX_APPLICATION_NAME = 256

/** Reads a start-up packet's parameters; an answer says what was not acceptable. */
export function readParameters(parameters: ReadonlyMap<string, string>): ClientParameters | Answer {
  const user = parameters.get('user')
  if (user === undefined || user === '') {
    return { sqlstate: '28000', message: 'no PostgreSQL user name specified in startup packet' }
  }
  const settings = new Map<string, string>()
  const asked = [...parameters].filter(([name]) => name !== 'user' && name !== 'database' && !name.startsWith('_pq_.'))
  let applicationName = ''
  for (const [name, value] of asked.flatMap(([name, text]) =>
    name === 'options' ? readOptions(text) : [[name, text]],
  )) {
    const setting = name?.toLowerCase() ?? ''
    if (setting === 'application_name') applicationName = value?.slice(0, MAX_APPLICATION_NAME) ?? ''
    else {
      const refusal = enter(settings, setting, value ?? '')
      if (refusal !== undefined) return refusal
    }
  }
  return { user, database: parameters.get('database'), applicationName, settings }
}

/** Whether an answer came out instead of parameters. */
export function isAnswer(read: ClientParameters | Answer): read is Answer {
  return 'sqlstate' in read
}

function enter(settings: Map<string, string>, name: string, value: string): Answer | undefined {
  if (name === 'client_encoding') return isUtf8(value) ? undefined : refusedEncoding(value)
  const form = forms.get(name)
  if (form === undefined) return refusedSetting(name)
  if (!form.test(value)) return { sqlstate: '22023', message: `invalid value for parameter "${name}"` }
  settings.set(name, value)
  return undefined
}

/**
 * The spellings of drivers (`UTF8`, `utf-8`, `'utf-8'`, `UNICODE`). SQL_ASCII is what psql asks for in a C locale, meaning that nothing
 * need be converted: it is told UTF8 and shows the bytes as they are.
 */
function isUtf8(value: string): boolean {
  const plain = value.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
  return plain === 'utf8' || plain === 'unicode' || plain === 'sqlascii'
}

function refusedEncoding(value: string): Answer {
  return {
    sqlstate: '22023',
    message: `client_encoding has to be UTF8 here, not ${value.slice(0, 32)}`,
    hint: 'set PGCLIENTENCODING=UTF8, or the same in your client',
  }
}

function refusedSetting(name: string): Answer {
  return {
    sqlstate: '0A000',
    message: `the setting "${name.slice(0, 63)}" cannot be given at connect`,
    hint: `possible are: ${[...forms.keys()].join(', ')}, client_encoding, application_name`,
  }
}

/**
 * PostgreSQL 18, Start-up: "options: Command-line arguments for the backend … Spaces within this string are considered to separate
 * arguments, unless escaped with a backslash". Only `-c name=value` and `--name=value` are settings; anything else is refused by its own
 * text as name.
 */
function readOptions(options: string): string[][] {
  const words = (options.match(/(?:\\[^]|[^\s\\])+/g) ?? []).map((word) => word.replaceAll(/\\([^])/g, '$1'))
  const settings: string[][] = []
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? ''
    const isSeparate = word === '-c'
    const text = isSeparate ? (words[++index] ?? '') : word.replace(/^(?:-c|--)/, '')
    const equals = text.indexOf('=')
    if (equals <= 0 || (!isSeparate && text === word)) settings.push([word, ''])
    // PostgreSQL 18, guc.c: ParseLongOption: "-" in the name of a long option stands for "_".
    else settings.push([text.slice(0, equals).replaceAll('-', '_'), text.slice(equals + 1)])
  }
  return settings
}
