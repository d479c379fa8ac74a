/**
 * The one way to the database once a session is up.
 *
 * What carries a client's statement or parameters, or runs one, goes through `carry` and shows a permit for each of its operations;
 * everything else is built here from names and numbers, so that no text of a client's can leave without the record of the intent.
 * What is sent in one turn goes out in one write.
 */
import { type Bytes, concatBytes } from '#base'
import { isMinted, type Permit } from '#model'
import { encodeFrontend, type FrontendMessage, type Target } from './codec/index.ts'
import { refusedStatement } from './refuse.ts'
import type { DeclaredColumn } from './settings.ts'
import { encodeQuestion } from './upstream/declared.ts'

/** Messages without a statement of a client's in them. */
export type ControlMessage =
  | { readonly kind: 'sync' }
  | { readonly kind: 'flush' }
  | { readonly kind: 'describe' | 'close'; readonly target: Target; readonly name: string }
  /** The constant invalid statement in place of a refused Query. */
  | { readonly kind: 'standInQuery'; readonly ref: string | undefined }
  /** The same in place of a refused extended message. */
  | { readonly kind: 'standInParse'; readonly name: string; readonly ref: string | undefined }
  /** A Query, Parse, Bind or Execute of an empty text: there is nothing to decide, and nothing of the client's in it. */
  | { readonly kind: 'emptyQuery' }
  | { readonly kind: 'emptyParse'; readonly name: string }
  | { readonly kind: 'emptyBind'; readonly portal: string; readonly statement: string; readonly parameters: number }
  | { readonly kind: 'emptyExecute'; readonly portal: string }

/** Where the bytes go. */
export interface OutboxTarget {
  write(bytes: Bytes): void
}

const NOTHING = new Uint8Array()

/** Collects what goes upstream in one turn. */
export class Outbox {
  readonly #target: OutboxTarget
  readonly #parts: Bytes[] = []

  constructor(target: OutboxTarget) {
    this.#target = target
  }

  /**
   * Sends bytes that carry or run operations; `permits` has one for each of them.
   *
   * @throws {TypeError} without a permit that the pipeline minted: a fault of this program, which must not become an access.
   */
  carry(permits: readonly Permit[], bytes: Bytes): void {
    if (permits.length === 0 || !permits.every(isMinted)) throw new TypeError('a statement without its permit')
    this.#parts.push(bytes)
  }

  /** Sends a message that carries nothing of a client's but names. */
  control(message: ControlMessage): void {
    this.#parts.push(encodeFrontend(frontendMessage(message)))
  }

  /** Asks where declared columns lie: a question of our own, with nothing of a client's in it. */
  ask(declared: readonly DeclaredColumn[]): void {
    this.#parts.push(encodeQuestion(declared))
  }

  /** Hands over what was collected in one write. */
  flush(): void {
    if (this.#parts.length === 0) return
    const [first] = this.#parts
    this.#target.write(this.#parts.length === 1 && first !== undefined ? first : concatBytes(this.#parts))
    this.#parts.length = 0
  }
}

function frontendMessage(message: ControlMessage): FrontendMessage {
  switch (message.kind) {
    case 'sync':
    case 'flush':
    case 'describe':
    case 'close':
      return message
    case 'standInQuery':
      return { kind: 'query', text: refusedStatement(message.ref) }
    case 'standInParse':
      return { kind: 'parse', name: message.name, text: refusedStatement(message.ref), parameterTypes: [] }
    case 'emptyQuery':
      return { kind: 'query', text: NOTHING }
    case 'emptyParse':
      return { kind: 'parse', name: message.name, text: NOTHING, parameterTypes: [] }
    case 'emptyBind': {
      // As many parameters as given, so that the server complains of their number as it would, but none of their values.
      const parameters = Array.from({ length: message.parameters }, () => undefined)
      const { portal, statement } = message
      return { kind: 'bind', portal, statement, parameterFormats: [], parameters, resultFormats: [] }
    }
    case 'emptyExecute':
      return { kind: 'execute', portal: message.portal, maxRows: 0 }
  }
}
