import type { ErrorCode } from '#model'

/** Exit codes of `sallyport`, by what a caller can do about them. */
export const EXIT = {
  ok: 0,
  unexpected: 1,
  usage: 2,
  denied: 3,
  login: 4,
  pending: 5,
  notFound: 6,
  conflict: 7,
  upstream: 8,
  timeout: 9,
} as const

/** An error that ends the command with words for the person and a code for the script. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: number
  readonly next: string | undefined

  constructor(exitCode: number, message: string, next?: string) {
    super(message)
    this.exitCode = exitCode
    this.next = next
  }
}

/** What a command was given to work on is not as it must be: the files of the boundary, or a name or value for them. */
const WRONG_USAGE: ReadonlySet<ErrorCode> = new Set([
  'SP_CONFIG_INVALID',
  'SP_CONFIG_MISSING',
  'SP_POLICY_INVALID',
  'SP_VAULT_SECRET_MISSING',
  'SP_API_INVALID',
])

/** The exit code for a fault of the gateway's own parts, where a command works without one that runs. */
export function exitCodeOf(code: ErrorCode): number {
  return WRONG_USAGE.has(code) ? EXIT.usage : EXIT.unexpected
}
