/** What was wrong with the bytes; callers switch on it, so codes are added and never renamed. */
export type VerifierErrorCode =
  | 'SP_NOTE_MALFORMED'
  | 'SP_NOTE_SIGNATURE'
  | 'SP_NOTE_UNSIGNED'
  | 'SP_VKEY_MALFORMED'
  | 'SP_CHECKPOINT_MALFORMED'
  | 'SP_PATH_MALFORMED'
  | 'SP_BUNDLE_MALFORMED'
  | 'SP_TILE_MALFORMED'
  | 'SP_RECORD_MALFORMED'
  | 'SP_PAYLOAD_MALFORMED'
  | 'SP_PAYLOAD_MISMATCH'
  | 'SP_PACK_MALFORMED'
  | 'SP_PROOF_INVALID'
  | 'SP_FILE_UNREADABLE'
  | 'SP_FILE_TOO_LARGE'
  | 'SP_CHECK_UNFINISHED'
  | 'SP_OUT_OF_RANGE'

/**
 * The only error that this package throws. The message carries facts (sizes, positions, names), never record content.
 */
export class VerifierError extends Error {
  readonly code: VerifierErrorCode

  constructor(code: VerifierErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'VerifierError'
    this.code = code
  }
}
