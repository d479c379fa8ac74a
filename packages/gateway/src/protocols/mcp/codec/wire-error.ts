/** What can be wrong with bytes: they are not what the protocol says, or more than Sallyport reads. */
type WireErrorCode = 'SP_WIRE_INVALID' | 'SP_WIRE_TOO_LARGE'

/** JSON-RPC 2.0, Error object: "Parse error: Invalid JSON was received by the server." */
const PARSE_ERROR = -32700
/** JSON-RPC 2.0, Error object: "Invalid Request: The JSON sent is not a valid Request object." */
export const INVALID_REQUEST = -32600

/** The one error that the codec throws. The message names the rule, never the bytes. */
export class WireError extends Error {
  override readonly name = 'WireError'
  readonly code: WireErrorCode
  /** How JSON-RPC says it. */
  readonly rpcCode: number

  constructor(code: WireErrorCode, rpcCode: number, message: string) {
    super(message)
    this.code = code
    this.rpcCode = rpcCode
  }
}

/** The bytes are no JSON, or JSON that reads differently in different readers. */
export function malformed(rule: string): WireError {
  return new WireError('SP_WIRE_INVALID', PARSE_ERROR, rule)
}

/** The JSON is no message of JSON-RPC. */
export function noMessage(rule: string): WireError {
  return new WireError('SP_WIRE_INVALID', INVALID_REQUEST, rule)
}

/** There is more of it than is read. */
export function tooLarge(rule: string): WireError {
  return new WireError('SP_WIRE_TOO_LARGE', INVALID_REQUEST, rule)
}
