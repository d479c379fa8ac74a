/**
 * The audited operators of pg_catalog, for all their operand types: comparison, arithmetic, concatenation, pattern match, and reading
 * arrays and JSON. Whatever they are applied to, text comes out whole or as a truth value.
 */
export const auditedOperators: ReadonlySet<string> = new Set([
  ...['=', '<>', '!=', '<', '>', '<=', '>='],
  ...['+', '-', '*', '/', '%', '^'],
  ...['||', '~~', '!~~', '~~*', '!~~*', '~', '!~', '~*', '!~*', '^@'],
  ...['->', '->>', '#>', '#>>', '@>', '<@', '?', '?|', '?&', '&&'],
])
