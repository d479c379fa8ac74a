import { catalogue, type ErrorCode } from '#model'
import type { Problem } from './contract.ts'

/** HTTP statuses of the codes that the API gives; any other is a 500. */
const STATUS: Partial<Readonly<Record<ErrorCode, number>>> = {
  SP_API_UNAUTHENTICATED: 401,
  SP_AUTH_FAILED_ATTEMPTS: 429,
  SP_API_NOT_FOUND: 404,
  SP_API_INVALID: 400,
  SP_API_UNAVAILABLE: 503,
  SP_POLICY_DENIED: 403,
  SP_POLICY_FORBIDDEN: 403,
  SP_POLICY_ERROR: 403,
  SP_POLICY_NEEDS_APPROVAL: 403,
  SP_APPROVAL_NOT_YOURS: 403,
  SP_APPROVAL_OVER: 409,
  SP_TRAIL_UNAVAILABLE: 503,
  SP_SHUTDOWN: 503,
  SP_BUSY: 503,
}

/** Builds the body of an error answer (RFC 9457); `about` is the reference to look at next, when it is not that of the record of the refusal. */
export function toProblem(code: ErrorCode, detail?: string, ref?: string, about: string | undefined = ref): Problem {
  const entry = catalogue[code]
  return {
    type: `urn:sallyport:problem:${code}`,
    title: entry.meaning,
    status: STATUS[code] ?? 500,
    detail: detail ?? entry.meaning,
    code,
    ...(ref === undefined ? {} : { ref }),
    next: entry.next.replace('<ref>', about ?? '<ref>'),
  }
}
