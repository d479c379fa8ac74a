import type { Access } from '#model'
import { readAlterTable, readCreateIndex, readCreateTable, readDrop, readTruncate } from './definition.ts'
import { Findings } from './findings.ts'
import { type Place, readDelete, readInsert, readUpdate } from './modify.ts'
import { onlyFields } from './names.ts'
import { readQuery } from './query.ts'
import { readDeallocate, readSet, readShow, readTransaction } from './session.ts'
import { sweep } from './sweep.ts'
import { type Fields, listOf, nodeOf, stringOf, textOf, type TreeNode } from './tree.ts'
import type { Walk } from './walk.ts'
import { verbOf } from './verbs.ts'

/** What the meaning of names depends on. */
export interface Meaning {
  readonly database: string
  readonly searchPath: string
}

/** What one statement is, as far as its tree says. */
export interface Analysis {
  readonly verb: string
  readonly accesses: readonly Access[]
  /** The first thing that was not understood; then the accesses are what could be seen, not all there is. */
  readonly incomplete?: string
  /** Whether a failed transaction accepts it as its end. */
  readonly exitsTransaction: boolean
}

/** Reads one statement of the parser's tree. Total for trees of any depth that the stack allows. */
export function analyse(statement: unknown, meaning: Meaning): Analysis {
  const findings = new Findings()
  const walk: Walk = {
    findings,
    database: meaning.database,
    searchPath: meaning.searchPath,
    query: (fields, outer, ctes) => readQuery(fields, outer, ctes, walk),
    withStatement: (node, outer, ctes) => {
      if (!readRows(nodeOf(node), { outer, ctes }, walk)) notUnderstood(node, 'a WITH item of this kind', walk)
    },
  }
  const { verb, exits } = readStatement(statement, walk)
  const analysis = { verb, accesses: findings.accesses(), exitsTransaction: exits }
  return findings.incomplete === undefined ? analysis : { ...analysis, incomplete: findings.incomplete }
}

interface Reading {
  readonly verb: string
  readonly exits: boolean
}

function readStatement(statement: unknown, walk: Walk): Reading {
  const found = nodeOf(statement)
  const verb = verbOf(found)
  if (readRows(found, { outer: undefined, ctes: undefined }, walk)) return { verb, exits: false }
  switch (found?.type) {
    case 'TransactionStmt': {
      const transaction = readTransaction(found.fields, walk)
      return { verb: transaction.verb, exits: transaction.exits }
    }
    case 'ExplainStmt':
      readExplain(found.fields, walk)
      return { verb, exits: false }
    case 'VariableSetStmt':
      readSet(found.fields, walk)
      return { verb, exits: false }
    case 'VariableShowStmt':
      readShow(found.fields, walk)
      return { verb, exits: false }
    case 'DeallocateStmt':
      readDeallocate(found.fields, walk)
      return { verb, exits: false }
    default:
      if (!readDefinition(found, walk)) notUnderstood(statement, verb, walk)
      return { verb, exits: false }
  }
}

function notUnderstood(node: unknown, what: string, walk: Walk): void {
  walk.findings.doubt(`${what} is not understood`)
  sweep(node, undefined, walk)
}

/** Queries and data-modifying statements; false for others. */
function readRows(found: TreeNode | undefined, place: Place, walk: Walk): boolean {
  switch (found?.type) {
    case 'SelectStmt':
      readQuery(found.fields, place.outer, place.ctes, walk)
      return true
    case 'InsertStmt':
      readInsert(found.fields, place, walk)
      return true
    case 'UpdateStmt':
      readUpdate(found.fields, place, walk)
      return true
    case 'DeleteStmt':
      readDelete(found.fields, place, walk)
      return true
    default:
      return false
  }
}

function readDefinition(found: TreeNode | undefined, walk: Walk): boolean {
  switch (found?.type) {
    case 'CreateStmt':
      readCreateTable(found.fields, walk)
      return true
    case 'IndexStmt':
      readCreateIndex(found.fields, walk)
      return true
    case 'AlterTableStmt':
      readAlterTable(found.fields, walk)
      return true
    case 'TruncateStmt':
      readTruncate(found.fields, walk)
      return true
    case 'DropStmt':
      readDrop(found.fields, walk)
      return true
    default:
      return false
  }
}

const EXPLAIN = new Set(['query', 'options'])
const OPTION = new Set(['defname', 'arg', 'defaction', 'location'])
const explainOptions: ReadonlySet<string> = new Set([
  ...['analyze', 'verbose', 'costs', 'buffers', 'timing', 'summary', 'format', 'settings', 'wal', 'memory'],
  ...['generic_plan', 'serialize'],
])

/** EXPLAIN has the accesses of what it explains, whether ANALYZE executes it or not. */
function readExplain(fields: Fields, walk: Walk): void {
  onlyFields(fields, EXPLAIN, 'ExplainStmt', walk.findings)
  for (const item of listOf(fields, 'options')) {
    const option = nodeOf(item)
    if (option?.type === 'DefElem' && explainOptions.has(textOf(option.fields, 'defname') ?? '')) {
      onlyFields(option.fields, OPTION, 'DefElem', walk.findings)
      if (option.fields['arg'] !== undefined && !isPlainValue(option.fields['arg'])) {
        walk.findings.doubt('this EXPLAIN option is not understood')
      }
    } else walk.findings.doubt('this EXPLAIN option is not understood')
  }
  const explained = nodeOf(fields['query'])
  if (!readRows(explained, { outer: undefined, ctes: undefined }, walk)) {
    notUnderstood(fields['query'], `EXPLAIN of ${verbOf(explained)}`, walk)
  }
}

const plainValues: ReadonlySet<string> = new Set(['Integer', 'Float', 'Boolean', 'A_Const'])

function isPlainValue(value: unknown): boolean {
  return stringOf(value) !== undefined || plainValues.has(nodeOf(value)?.type ?? '')
}
