/** What can be wrong with bytes: they are not what the protocol says, or more than Sallyport reads. */
type WireErrorCode = 'SP_WIRE_INVALID' | 'SP_WIRE_TOO_LARGE'

/**
 * The one error that the codec throws. A decoder or framer that threw it is dead: where the next message begins is not known any more.
 * The message names the rule, never the bytes.
 */
export class WireError extends Error {
  override readonly name = 'WireError'
  readonly code: WireErrorCode

  constructor(code: WireErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/** What the peer sent is not what the protocol allows. */
export function invalid(rule: string): WireError {
  return new WireError('SP_WIRE_INVALID', rule)
}
