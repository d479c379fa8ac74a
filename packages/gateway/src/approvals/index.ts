/**
 * approvals: requests for held operations.
 *
 * A request is bound to one exact operation of one person through one client, is answered by others whom policy names, never by anyone in the
 * acting chain, is used once, and ends by itself. Every step is a record before it takes effect.
 */
export { bindingOf } from './binding.ts'
