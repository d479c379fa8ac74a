/**
 * protocols/postgres: PostgreSQL in front of PostgreSQL. One upstream connection per session; every statement is classified, decided and
 * recorded before it is sent, every result masked before it leaves.
 *
 * It does not decide, record, or know cards: those are ports (`Gate`, `Masking`). It opens no port and reads no file. A session owns its
 * two streams; views of what the database sends hold during the call only. README.md has the way of one statement and the table of
 * messages.
 *
 * @see https://www.postgresql.org/docs/18/protocol.html
 */
export type { Classification, ClassifiedStatement, Classifier, ClassifierSettings } from './classifier.ts'
export { createPostgres, type PostgresListener } from './listener.ts'
export type { PostgresLimits, PostgresOptions, PostgresResource } from './options.ts'
export { createClassifier, type WorkerClassifier } from './classify/index.ts'
export {
  type DeclaredColumn,
  type PostgresBlock,
  postgresBlock,
  type PostgresSettings,
  type PostgresTls,
} from './settings.ts'
export { createTcpDialer, type Dialer, type DialTarget } from './upstream/dialer.ts'
