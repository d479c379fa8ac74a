/**
 * The messages of MCP as bytes: JSON-RPC 2.0, checked whole and bounded, then read by where its parts lie.
 *
 * Pure: bytes in, data out. Nothing is built from a message that is not asked for, so what is passed on is passed on as it was written:
 * numbers, escapes, the order of members, members that nobody here knows. It decides nothing and knows no session. The only error is
 * `WireError`. Spans are offsets into the bytes that were given; functions that take a span take one that `checkJson` or `readMessage`
 * has gone over.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic
 */
export { checkJson, type Span } from './json.ts'
export { visitLeaves } from './leaves.ts'
export { answerLimits, type JsonLimits, REQUEST_LIMITS } from './limits.ts'
export { elementsOf, entriesOf, isArray, isObject, isTrue, membersOf, textOf } from './members.ts'
export { type Message, type NotificationMessage, readMessage, type RequestMessage } from './message.ts'
export { INVALID_REQUEST, WireError } from './wire-error.ts'
