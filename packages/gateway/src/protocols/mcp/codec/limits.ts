/** What a JSON text may have at most; each is checked before what it bounds is kept. */
export interface JsonLimits {
  readonly maxBytes: number
  /** Objects and arrays within each other. */
  readonly maxDepth: number
  /** Members of all objects together. */
  readonly maxKeys: number
  /** One string as written, without its quotes. */
  readonly maxStringBytes: number
  /**
   * Whether escapes may name half a surrogate pair. JSON allows it and servers that cut text write it; a client has no need to, and what
   * is recorded could not say it.
   */
  readonly allowLoneSurrogates: boolean
}

/** What a client may send: a tool call with arguments of 1 MiB. */
export const REQUEST_LIMITS: JsonLimits = {
  maxBytes: 1 << 20,
  maxDepth: 64,
  maxKeys: 10_000,
  maxStringBytes: 1 << 20,
  allowLoneSurrogates: false,
}

/** What a server may send, in bytes up to the inspection cap of its resource. */
export function answerLimits(maxBytes: number): JsonLimits {
  return { maxBytes, maxDepth: 128, maxKeys: 1_000_000, maxStringBytes: maxBytes, allowLoneSurrogates: true }
}
