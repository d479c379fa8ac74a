import type { Access } from '#model'
import { readAlterTable, readCreateIndex, readCreateTable, readDrop, readTruncate } from './definition.ts'
import { Findings } from './findings.ts'
import { type Place, readDelete, readInsert, readUpdate } from './modify.ts'
import { onlyFields } from './names.ts'
import { Outputs } from './outputs.ts'
import { readQuery } from './query.ts'
import { readDeallocate, readSet, readShow, readTransaction } from './session.ts'
import { sweep } from './sweep.ts'
import { type Fields, listOf, nodeOf, stringOf, textOf, type TreeNode } from './tree.ts'
import { Uses } from './uses.ts'
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
  const uses = new Uses()
  const walk: Walk = {
    findings,
    uses,
    database: meaning.database,
    searchPath: meaning.searchPath,
    query: (fields, outer, ctes) => readQuery(fields, outer, ctes, walk),
    withStatement: (node, outer, ctes) => {
      const outputs = readRows(nodeOf(node), { outer, ctes }, walk)
      if (outputs === undefined) notUnderstood(node, 'a WITH item of this kind', walk)
      return outputs ?? new Outputs()
    },
  }
  const { verb, exits } = readStatement(statement, walk)
  const areUsesKnown = uses.settle()
  const analysis = { verb, accesses: findings.accesses(areUsesKnown), exitsTransaction: exits }
  return findings.incomplete === undefined ? analysis : { ...analysis, incomplete: findings.incomplete }
}

interface Reading {
  readonly verb: string
  readonly exits: boolean
}

function readStatement(statement: unknown, walk: Walk): Reading {
  const found = nodeOf(statement)
  const verb = verbOf(found)
  const outputs = readRows(found, { outer: undefined, ctes: undefined }, walk)
  if (outputs !== undefined) {
    for (const { name, value } of outputs.given()) walk.uses.give(value, name)
    return { verb, exits: false }
  }
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

/** Queries and data-modifying statements, with what they give; undefined for others. */
function readRows(found: TreeNode | undefined, place: Place, walk: Walk): Outputs | undefined {
  switch (found?.type) {
    case 'SelectStmt':
      return readQuery(found.fields, place.outer, place.ctes, walk).outputs
    case 'InsertStmt':
      return readInsert(found.fields, place, walk)
    case 'UpdateStmt':
      return readUpdate(found.fields, place, walk)
    case 'DeleteStmt':
      return readDelete(found.fields, place, walk)
    default:
      return undefined
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
  if (readRows(explained, { outer: undefined, ctes: undefined }, walk) === undefined) {
    notUnderstood(fields['query'], `EXPLAIN of ${verbOf(explained)}`, walk)
  }
}

const plainValues: ReadonlySet<string> = new Set(['Integer', 'Float', 'Boolean', 'A_Const'])

function isPlainValue(value: unknown): boolean {
  return stringOf(value) !== undefined || plainValues.has(nodeOf(value)?.type ?? '')
}
