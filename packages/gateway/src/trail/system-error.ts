/** Whether something thrown is an error of the system with this code (`ENOENT`, `ENOSPC`…). */
export function isErrorCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

/** What went wrong in a few words without a path or a value: the system's code, or the kind of error. */
export function describeError(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  return error instanceof Error ? error.name : typeof error
}
