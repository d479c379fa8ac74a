/** Something that did not end in its time. */
class DeadlineError extends Error {
  override readonly name = 'DeadlineError'
  readonly code = 'ETIMEDOUT'
}

/**
 * Waits for a promise at most so long.
 *
 * @param late gets the result when it comes after all, so that it can be closed.
 */
export async function withDeadline<T>(promise: Promise<T>, timeoutMs: number, late?: (result: T) => void): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  let isOver = false
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      isOver = true
      reject(new DeadlineError(`not done in ${timeoutMs} ms`))
    }, timeoutMs)
  })
  const watched = promise.then((result) => {
    if (isOver) late?.(result)
    return result
  })
  try {
    return await Promise.race([watched, deadline])
  } finally {
    clearTimeout(timer)
    // When the deadline won, nobody else hears of a failure that comes later.
    watched.catch(() => undefined)
  }
}
