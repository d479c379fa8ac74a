/** The revision without sessions, in which each request says its version. */
export const MODERN_VERSION = '2026-07-28'

/** Revisions that begin with `initialize`, newest first: those with Streamable HTTP. */
export const LEGACY_VERSIONS: readonly string[] = ['2025-11-25', '2025-06-18', '2025-03-26']

export const SUPPORTED_VERSIONS: readonly string[] = [MODERN_VERSION, ...LEGACY_VERSIONS]

/** What a client that asks for another version is offered. MCP 2025-11-25, Lifecycle: "This SHOULD be the latest version supported by the server." */
export function negotiate(requested: string | undefined): string {
  const [latest = MODERN_VERSION] = LEGACY_VERSIONS
  return requested !== undefined && LEGACY_VERSIONS.includes(requested) ? requested : latest
}

/** MCP 2026-07-28, Error Codes. */
export const HEADER_MISMATCH = -32_020
/** MCP 2026-07-28, Error Codes. */
export const UNSUPPORTED_VERSION = -32_022
