/**
 * What Sallyport reads at most, in bytes, before it knows anything else of a message.
 */

/** PostgreSQL 18, src/include/libpq/pqcomm.h: `#define MAX_STARTUP_PACKET_LENGTH 10000`. */
export const MAX_STARTUP_PACKET = 10_000

/** PostgreSQL 18, src/include/libpq/libpq.h: `#define PQ_LARGE_MESSAGE_LIMIT (MaxAllocSize - 1)`, 1 GiB less two. */
export const MAX_PROTOCOL_MESSAGE = 0x3fff_fffe

/** Text of one Query or Parse. */
export const MAX_STATEMENT_TEXT = 1_048_576

/** One Bind with its parameters. */
export const MAX_BIND = 16_777_216

/** Everything else that a client sends: names and numbers. */
export const MAX_SMALL_MESSAGE = 65_536

/**
 * Names of statements and portals. PostgreSQL keeps them in a hash table with keys of NAMEDATALEN (64) bytes and cuts longer ones off in
 * silence, so that two long names can mean one: a name has to be certain here.
 */
export const MAX_NAME = 63

/** One row of a result; it is collected whole, since a row whose last value is refused must not have left with its first. */
export const MAX_ROW = 16_777_216

/** Any other message of a server. */
export const MAX_SERVER_MESSAGE = 4_194_304
