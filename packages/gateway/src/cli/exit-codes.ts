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
