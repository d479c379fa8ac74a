/**
 * The PostgreSQL frontend/backend protocol 3.0 and 3.2 as bytes: framing, decoding, encoding.
 *
 * Pure: bytes in, data out. It decides nothing and knows no session. Every length is checked before what it counts is read; the only
 * error is `WireError`, after which a framer is dead. Views handed out belong to the chunk they were found in: `framer.ts` says how long
 * they hold.
 *
 * @see https://www.postgresql.org/docs/18/protocol-message-formats.html
 */
export {
  backendLimit,
  type BackendMessage,
  type ColumnDescription,
  decodeBackend,
  type NoticeFields,
  type TransactionStatus,
} from './backend.ts'
export { encodeBackend } from './backend-encode.ts'
export { Framer, type FrameSink } from './framer.ts'
export {
  type BindMessage,
  decodeFrontend,
  encodeFrontend,
  type Format,
  frontendLimit,
  type FrontendMessage,
  type ParseMessage,
  passwordOf,
  type Target,
} from './frontend.ts'
export { MAX_ROW, MAX_STATEMENT_TEXT } from './limits.ts'
export { Back, Front } from './message-types.ts'
export { OversizedRow, type ValueVisitor, walkRows } from './rows.ts'
export { decodeStartup, encodeStartup, startupLength, type StartupPacket } from './startup.ts'
export { WireError } from './wire-error.ts'
