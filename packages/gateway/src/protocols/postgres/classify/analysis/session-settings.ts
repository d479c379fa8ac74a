/**
 * Settings of a session that may be changed: how values are shown, how long things may take, what the log calls the client. None of them
 * changes who one is, what a name or a literal means, or what is checked.
 */
export const changeableSettings: ReadonlySet<string> = new Set([
  'application_name',
  'client_min_messages',
  'datestyle',
  'default_transaction_deferrable',
  'default_transaction_isolation',
  'default_transaction_read_only',
  'extra_float_digits',
  'idle_in_transaction_session_timeout',
  'intervalstyle',
  'lock_timeout',
  'statement_timeout',
  'timezone',
  'transaction_deferrable',
  'transaction_isolation',
  'transaction_read_only',
])

/** What `client_encoding` may be set to: its spellings of UTF8, without case, hyphens and underscores. */
export const utf8Names: ReadonlySet<string> = new Set(['utf8', 'unicode'])

/** Settings that may be read: those above and facts about the server that clients ask for. */
export const readableSettings: ReadonlySet<string> = new Set([
  ...changeableSettings,
  ...['block_size', 'bytea_output', 'client_encoding', 'in_hot_standby', 'integer_datetimes', 'is_superuser'],
  ...['lc_collate', 'lc_ctype', 'lc_messages', 'lc_monetary', 'lc_numeric', 'lc_time', 'max_connections'],
  ...['max_identifier_length', 'max_index_keys', 'role', 'search_path', 'server_encoding', 'server_version'],
  ...['server_version_num', 'session_authorization', 'standard_conforming_strings', 'work_mem'],
])
