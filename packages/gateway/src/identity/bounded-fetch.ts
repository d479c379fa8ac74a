/** Metadata, key sets and token answers are some kilobytes; more is not read. */
const MAX_BODY_BYTES = 1 << 20
/** How long an identity provider may take to answer. */
const TIMEOUT_MS = 5000

/** What may be asked: the part of `RequestInit` that the libraries use. */
export interface BoundedRequest {
  readonly method?: string
  readonly headers?: Headers | Record<string, string>
  readonly body?: URLSearchParams | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Fetches without following redirects, within a deadline, up to a size; the body is read whole.
 *
 * @throws {Error} when there is no answer in time or it is too large.
 */
export async function boundedFetch(url: string, request: BoundedRequest = {}): Promise<Response> {
  const deadline = AbortSignal.timeout(TIMEOUT_MS)
  const signal = request.signal === undefined ? deadline : AbortSignal.any([request.signal, deadline])
  const { method = 'GET', headers = {}, body } = request
  const response = await fetch(url, { method, headers, body: body ?? null, signal, redirect: 'manual' })
  const bytes = await readBody(response)
  const { status, statusText } = response
  // These statuses may not have a body, not even an empty one.
  const isBodiless = status === 204 || status === 205 || status === 304
  return new Response(isBodiless ? null : bytes, { status, statusText, headers: response.headers })
}

async function readBody(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let length = 0
  const body = response.body as AsyncIterable<Uint8Array> | null
  for await (const chunk of body ?? []) {
    length += chunk.length
    // Leaving the loop cancels the body.
    if (length > MAX_BODY_BYTES) throw new Error('the answer is larger than any that is expected')
    chunks.push(chunk)
  }
  const bytes = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.length
  }
  return bytes
}
