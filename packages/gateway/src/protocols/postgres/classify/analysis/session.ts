import { shown } from './findings.ts'
import { onlyFields } from './names.ts'
import { changeableSettings, readableSettings, utf8Names } from './session-settings.ts'
import { type Fields, listOf, nodeOf, textOf } from './tree.ts'
import type { Walk } from './walk.ts'

const TRANSACTION = new Set(['kind', 'options', 'savepoint_name', 'gid', 'chain', 'location'])

const transactionVerbs: ReadonlyMap<unknown, string> = new Map([
  ['TRANS_STMT_BEGIN', 'BEGIN'],
  ['TRANS_STMT_START', 'BEGIN'],
  ['TRANS_STMT_COMMIT', 'COMMIT'],
  ['TRANS_STMT_ROLLBACK', 'ROLLBACK'],
  ['TRANS_STMT_SAVEPOINT', 'SAVEPOINT'],
  ['TRANS_STMT_RELEASE', 'RELEASE'],
  ['TRANS_STMT_ROLLBACK_TO', 'ROLLBACK TO'],
])

/** Those that a failed transaction accepts: they end its failed state. */
const exits: ReadonlySet<unknown> = new Set(['TRANS_STMT_COMMIT', 'TRANS_STMT_ROLLBACK', 'TRANS_STMT_ROLLBACK_TO'])

/** Reads a TransactionStmt; two-phase commit outlives the session and is left undecided. */
export function readTransaction(fields: Fields, walk: Walk): { readonly verb: string; readonly exits: boolean } {
  onlyFields(fields, TRANSACTION, 'TransactionStmt', walk.findings)
  transactionModes(listOf(fields, 'options'), walk)
  const verb = transactionVerbs.get(fields['kind'])
  if (verb === undefined) walk.findings.doubt('two-phase commit is not understood')
  return { verb: verb ?? 'PREPARE TRANSACTION', exits: exits.has(fields['kind']) }
}

const MODE = new Set(['defname', 'arg', 'defaction', 'location'])
const transactionModeNames: ReadonlySet<string> = new Set([
  ...['transaction_isolation', 'transaction_read_only', 'transaction_deferrable'],
])

function transactionModes(options: readonly unknown[], walk: Walk): void {
  for (const item of options) {
    const mode = nodeOf(item)
    const isKnown = mode?.type === 'DefElem' && transactionModeNames.has(textOf(mode.fields, 'defname') ?? '')
    if (isKnown && nodeOf(mode.fields['arg'])?.type === 'A_Const')
      onlyFields(mode.fields, MODE, 'DefElem', walk.findings)
    else walk.findings.doubt('this transaction mode is not understood')
  }
}

const SET = new Set(['kind', 'name', 'args', 'jumble_args', 'is_local', 'location'])

/** Reads a VariableSetStmt: SET, SET TRANSACTION and RESET. */
export function readSet(fields: Fields, walk: Walk): void {
  onlyFields(fields, SET, 'VariableSetStmt', walk.findings)
  // Names of settings are compared without case by the server.
  const name = textOf(fields, 'name')?.toLowerCase()
  switch (fields['kind']) {
    case 'VAR_SET_MULTI':
      if (name === 'transaction' || name === 'session characteristics') transactionModes(listOf(fields, 'args'), walk)
      else walk.findings.doubt('this form of SET is not understood')
      return
    case 'VAR_SET_VALUE':
      setting(name, listOf(fields, 'args'), walk)
      return
    case 'VAR_SET_DEFAULT':
    case 'VAR_RESET':
      setting(name, undefined, walk)
      return
    default:
      walk.findings.doubt('this form of SET is not understood')
  }
}

/** What RESET gives is the value at the session's start, which Sallyport chose or let through. */
function setting(name: string | undefined, values: readonly unknown[] | undefined, walk: Walk): void {
  if (name === undefined) {
    walk.findings.doubt('a setting without a name is not understood')
    return
  }
  const isUtf8 = name === 'client_encoding' && values?.length === 1 && isUtf8Name(values[0])
  if (changeableSettings.has(name) || isUtf8) {
    if (values?.every(isConstant) === false) walk.findings.doubt('a value of this form is not understood')
    return
  }
  walk.findings.touch('setSetting', { kind: 'setting', name })
  walk.findings.doubt(`setting ${shown(name)} is not on the audited list`)
}

function isConstant(value: unknown): boolean {
  const node = nodeOf(value)
  // SET TIME ZONE INTERVAL '…' is a cast of a constant.
  return node?.type === 'A_Const' || (node?.type === 'TypeCast' && nodeOf(node.fields['arg'])?.type === 'A_Const')
}

function isUtf8Name(value: unknown): boolean {
  const constant = nodeOf(value)
  const text = constant?.type === 'A_Const' ? (constant.fields['sval'] as Fields | undefined) : undefined
  const name = text === undefined ? undefined : textOf(text, 'sval')
  return name !== undefined && utf8Names.has(name.toLowerCase().replaceAll(/[-_]/g, ''))
}

const DEALLOCATE = new Set(['name', 'isall', 'location'])

/** Reads a DeallocateStmt. The server forgets names; one that is used afterwards makes an error there, never another meaning. */
export function readDeallocate(fields: Fields, walk: Walk): void {
  onlyFields(fields, DEALLOCATE, 'DeallocateStmt', walk.findings)
}

const SHOW = new Set(['name'])

/** Reads a VariableShowStmt. */
export function readShow(fields: Fields, walk: Walk): void {
  onlyFields(fields, SHOW, 'VariableShowStmt', walk.findings)
  const name = textOf(fields, 'name')?.toLowerCase() ?? ''
  if (!readableSettings.has(name)) walk.findings.doubt(`setting ${shown(name)} is not on the audited list`)
}
