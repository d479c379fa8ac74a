/**
 * The audited target types of casts. Not here: `bytea`, `bit`, `"char"`, `name`, `money` and the network types, which show digits in
 * another form or take them apart, and `oid` and the `reg*` types, which look names up.
 */
export const castTypes: ReadonlySet<string> = new Set([
  ...['bool', 'int2', 'int4', 'int8', 'numeric', 'float4', 'float8'],
  ...['text', 'varchar', 'bpchar', 'json', 'jsonb'],
  ...['date', 'time', 'timetz', 'timestamp', 'timestamptz', 'interval'],
])

/** Targets for literals and parameters only: on a column they would show digits in another form. */
export const literalCastTypes: ReadonlySet<string> = new Set(['uuid'])

/** Types whose length, when given, cuts what is cast. */
export const cutTypes: ReadonlySet<string> = new Set(['varchar', 'bpchar'])

/** Targets, without a length, that show what is cast as it is shown without the cast. */
export const textTypes: ReadonlySet<string> = new Set(['text', 'varchar', 'bpchar'])

/** Types of new columns: those of casts and what else tables are made of. */
export const columnTypes: ReadonlySet<string> = new Set([
  ...castTypes,
  ...['uuid', 'bytea', 'inet', 'cidr', 'macaddr', 'bit', 'varbit', 'money', 'xml', 'tsvector'],
  ...['serial', 'bigserial', 'smallserial', 'serial2', 'serial4', 'serial8'],
])
