/**
 * The audited functions of pg_catalog, by name, for all their overloads.
 *
 * A function is here when it neither writes, reads files, runs SQL given as text, tells of other sessions, nor takes text apart or encodes
 * it: a card number that goes in comes out whole, where masking finds it, or as a count, a comparison or a time. So `substr`, `left`,
 * `split_part`, `regexp_replace`, `reverse`, `translate`, `replace`, `lpad`, `overlay`, `encode`, `md5`, `to_char`, `to_date`, `format`,
 * `string_to_array`, `query_to_xml`, `nextval`, `set_config`, `pg_read_file`, `lo_get`, `dblink` and their kind are not.
 * Arithmetic, concatenation and comparison with what else a statement holds are on it; which columns go into them is told (`uses.ts`).
 * All exist since PostgreSQL 14, so that no older server resolves the name to a function of somebody else.
 *
 * A name without schema also finds functions of the searched schema when their argument types fit better (PostgreSQL 18, 10.3
 * "Functions"): whoever may create functions there is trusted. `CREATE FUNCTION` itself is refused here.
 */
const aggregates = `
  count sum avg min max every bool_and bool_or array_agg string_agg json_agg jsonb_agg json_object_agg jsonb_object_agg
  stddev stddev_pop stddev_samp variance var_pop var_samp corr covar_pop covar_samp
  regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy
  percentile_cont percentile_disc mode`

const windows = `
  row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value`

const numbers = `
  abs ceil ceiling floor round trunc sign sqrt cbrt power exp ln log mod pi random width_bucket
  sin cos tan asin acos atan atan2 degrees radians`

const times = `
  now transaction_timestamp statement_timestamp clock_timestamp age date_part date_trunc date_bin extract isfinite
  justify_days justify_hours justify_interval make_date make_time make_timestamp make_timestamptz make_interval
  timezone overlaps`

const texts = `
  lower upper initcap length char_length character_length octet_length bit_length concat concat_ws starts_with`

const documents = `
  to_json to_jsonb row_to_json json_build_object json_build_array jsonb_build_object jsonb_build_array
  json_array_length jsonb_array_length json_typeof jsonb_typeof json_extract_path jsonb_extract_path
  json_extract_path_text jsonb_extract_path_text json_strip_nulls jsonb_strip_nulls jsonb_pretty
  json_object_keys jsonb_object_keys json_array_elements jsonb_array_elements json_array_elements_text
  jsonb_array_elements_text json_each jsonb_each json_each_text jsonb_each_text
  json_to_record jsonb_to_record json_to_recordset jsonb_to_recordset`

const arrays = `
  array_length array_ndims array_dims array_upper array_lower cardinality array_append array_prepend array_cat
  array_remove array_to_json array_to_string unnest generate_series generate_subscripts`

const facts = `
  version current_database current_schema current_schemas pg_backend_pid pg_typeof num_nulls num_nonnulls
  gen_random_uuid pg_sleep pg_is_in_recovery
  pg_table_is_visible pg_type_is_visible pg_function_is_visible pg_get_userbyid pg_encoding_to_char format_type
  obj_description col_description shobj_description`

/** What is asked of a call besides the name. */
export interface FunctionRule {
  readonly maxArguments?: number
}

const unlimited: FunctionRule = {}

/** The list by name. */
export const auditedFunctions: ReadonlyMap<string, FunctionRule> = new Map<string, FunctionRule>([
  ...words(aggregates, windows, numbers, times, texts, documents, arrays, facts).map((name): [string, FunctionRule] => [
    name,
    unlimited,
  ]),
  // With a set of characters to trim they take digits off a number's ends.
  ['btrim', { maxArguments: 1 }],
  ['ltrim', { maxArguments: 1 }],
  ['rtrim', { maxArguments: 1 }],
  // With a pattern it reads text, piece by piece, as a date.
  ['to_timestamp', { maxArguments: 1 }],
])

/** What a function makes of its arguments, as far as lineage goes; all others compute. */
export type Making = 'holds' | 'picks' | 'counts' | 'spells'

/**
 * - holds: gives its arguments out whole, in an array, a row or JSON, where masking finds them.
 * - picks: gives one of its arguments out whole, by their order.
 * - counts: tells of its arguments only how many there are, or of which type.
 * - spells: makes a constant of constants.
 */
export const makings: ReadonlyMap<string, Making> = new Map<string, Making>([
  ...making('holds', 'array_agg json_agg jsonb_agg to_json to_jsonb row_to_json'),
  ...making('holds', 'json_build_object json_build_array jsonb_build_object jsonb_build_array'),
  ...making('picks', 'min max'),
  ...making('counts', 'count num_nulls num_nonnulls pg_typeof'),
  ...making('spells', 'lower upper initcap btrim ltrim rtrim concat concat_ws'),
])

function making(kind: Making, names: string): readonly [string, Making][] {
  return words(names).map((name) => [name, kind])
}

/**
 * Functions of pg_catalog that attribute notation can call with a whole row: PostgreSQL reads `customers.record_send` as
 * `record_send(customers)` when there is no such column (18, 8.16.5 "Using Composite Types in Queries"), and that one would show every
 * value in another encoding. From pg_proc of a running 18: at most one argument is needed and it may be a row.
 */
export const rowFunctions: ReadonlySet<string> = new Set(
  words(`
    any_out any_value anycompatible_out anycompatiblenonarray_out anyelement_out anynonarray_out array_agg concat count
    cume_dist dense_rank first_value hash_record json_agg json_agg_strict json_build_array json_build_object jsonb_agg
    jsonb_agg_strict jsonb_build_array jsonb_build_object lag last_value lead max min mode num_nonnulls num_nulls
    percent_rank pg_collation_for pg_column_compression pg_column_size pg_column_toast_chunk_id
    pg_restore_attribute_stats pg_restore_relation_stats pg_typeof quote_literal quote_nullable rank record_out
    record_send row_to_json to_json to_jsonb`),
)

function words(...lists: readonly string[]): readonly string[] {
  return lists.flatMap((list) => list.split(/\s+/).filter((word) => word !== ''))
}
