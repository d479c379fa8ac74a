/** How long a test lets a parser work that it is not about: long enough for a machine that does much else. */
export const PATIENCE_MS = 30_000

/** The same, as options of a classifier. */
export const patience = { timeoutMs: PATIENCE_MS, heavyTimeoutMs: PATIENCE_MS } as const
