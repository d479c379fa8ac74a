/**
 * A token of a text as one number, so that reading allocates nothing: its kind (see `alphabet.ts`), the value of a digit, and its width in
 * bytes.
 */
export function packToken(kind: number, value: number, width: number): number {
  return (kind << 16) | (value << 12) | width
}

/** What the token is. */
export function kindOf(token: number): number {
  return token >> 16
}

/** The value of a token that is a digit. */
export function valueOf(token: number): number {
  return (token >> 12) & 15
}

/** Bytes that the token takes. */
export function widthOf(token: number): number {
  return token & 0xfff
}
