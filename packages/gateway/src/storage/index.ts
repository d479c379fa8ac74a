/**
 * storage: the control store behind the ports of `#model`: OAuth artefacts, roster, logins, revocations, sealed secrets and keys, requests for
 * held operations.
 *
 * It does not know what it keeps: digests and sealed bytes come in and go out, and no token, secret or key is ever in it in the clear.
 * Every change is one statement, atomic and synced before its promise resolves (WAL, `synchronous=FULL`). Times are epoch milliseconds,
 * truth values 0 and 1, and the SQL is what SQLite and PostgreSQL share, so that one schema serves both. The suite that every
 * implementation passes is `testkit/store-conformance.ts`.
 */
export { openStore, type StoreOptions } from './open-store.ts'
