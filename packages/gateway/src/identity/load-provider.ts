import terminal from 'node:console'
import type * as library from 'oidc-provider'

/** The authorization server's library. */
export type ProviderLibrary = typeof library

/**
 * Loads `oidc-provider`. It warns on loading that a Node built before its line became LTS is unsupported; which runtime is fit is said by
 * SECURITY.md, not by a library in the middle of a start, so that one line is dropped.
 */
export async function loadProviderLibrary(): Promise<ProviderLibrary> {
  const original = Object.getOwnPropertyDescriptor(terminal, 'warn') ?? {}
  const warn = terminal.warn.bind(terminal)
  terminal.warn = (...words: unknown[]) => {
    if (!String(words[0]).includes('Unsupported runtime')) warn(...words)
  }
  try {
    return await import('oidc-provider')
  } finally {
    Object.defineProperty(terminal, 'warn', original)
  }
}
