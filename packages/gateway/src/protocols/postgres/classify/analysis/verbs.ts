import { type Fields, textOf, type TreeNode } from './tree.ts'

/** The verbs of statements whose node is not named like them. */
const verbs: ReadonlyMap<string, string> = new Map([
  ['AlterDefaultPrivilegesStmt', 'ALTER DEFAULT PRIVILEGES'],
  ['AlterRoleSetStmt', 'ALTER ROLE'],
  ['CheckPointStmt', 'CHECKPOINT'],
  ['ClosePortalStmt', 'CLOSE'],
  ['CompositeTypeStmt', 'CREATE TYPE'],
  ['ConstraintsSetStmt', 'SET CONSTRAINTS'],
  ['CreateAmStmt', 'CREATE ACCESS METHOD'],
  ['CreateEnumStmt', 'CREATE TYPE'],
  ['CreateEventTrigStmt', 'CREATE EVENT TRIGGER'],
  ['CreateForeignServerStmt', 'CREATE SERVER'],
  ['CreatePLangStmt', 'CREATE LANGUAGE'],
  ['CreateRangeStmt', 'CREATE TYPE'],
  ['CreateSeqStmt', 'CREATE SEQUENCE'],
  ['CreateStatsStmt', 'CREATE STATISTICS'],
  ['CreateStmt', 'CREATE TABLE'],
  ['CreateTrigStmt', 'CREATE TRIGGER'],
  ['CreatedbStmt', 'CREATE DATABASE'],
  ['DeclareCursorStmt', 'DECLARE'],
  ['DropdbStmt', 'DROP DATABASE'],
  ['GrantRoleStmt', 'GRANT'],
  ['IndexStmt', 'CREATE INDEX'],
  ['RefreshMatViewStmt', 'REFRESH MATERIALIZED VIEW'],
  ['RuleStmt', 'CREATE RULE'],
  ['SecLabelStmt', 'SECURITY LABEL'],
  ['VariableShowStmt', 'SHOW'],
  ['ViewStmt', 'CREATE VIEW'],
])

/** The verb of a statement, in SQL's words: `SELECT`, `DROP TABLE`, `CREATE FUNCTION`. */
export function verbOf(statement: TreeNode | undefined): string {
  if (statement === undefined) return 'UNKNOWN'
  const { type, fields } = statement
  switch (type) {
    case 'VariableSetStmt':
      return (textOf(fields, 'kind') ?? '').startsWith('VAR_RESET') ? 'RESET' : 'SET'
    case 'DropStmt':
      return `DROP ${objectWord(fields, 'removeType')}`
    case 'AlterTableStmt':
      return `ALTER ${objectWord(fields, 'objtype')}`
    case 'CreateTableAsStmt':
      return fields['is_select_into'] === true ? 'SELECT INTO' : `CREATE ${objectWord(fields, 'objtype')} AS`
    case 'RenameStmt':
      return `ALTER ${objectWord(fields, 'renameType')}`
    case 'GrantStmt':
      return fields['is_grant'] === true ? 'GRANT' : 'REVOKE'
    case 'VacuumStmt':
      return fields['is_vacuumcmd'] === true ? 'VACUUM' : 'ANALYZE'
    case 'FetchStmt':
      return fields['ismove'] === true ? 'MOVE' : 'FETCH'
    default:
      return verbs.get(type) ?? wordsOf(type)
  }
}

function objectWord(fields: Fields, key: string): string {
  return (textOf(fields, key) ?? '').replace(/^OBJECT_/, '').replaceAll('_', ' ')
}

/** `CreateFunctionStmt` → `CREATE FUNCTION`. */
function wordsOf(type: string): string {
  return type
    .replace(/Stmt$/, '')
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toUpperCase()
}
