/** What a caller may know of an error and what to do about it. */
export interface CatalogueEntry {
  /** What happened, in plain words. */
  readonly meaning: string
  /** What to do next. */
  readonly next: string
  /** Whether trying the same again can help. */
  readonly retry: 'yes' | 'no' | 'later'
  /** At which level the gateway logs it. */
  readonly log: 'info' | 'warn' | 'error'
}

/** Every error that Sallyport can give, once; `docs/spec/errors.md` is generated from it. Each protocol says it in its own words. */
export const catalogue = {
  SP_AUTH_TOKEN_MISSING: {
    meaning: 'no token was given as password',
    next: 'get one with: sallyport token <resource>',
    retry: 'no',
    log: 'info',
  },
  SP_AUTH_TOKEN_UNKNOWN: {
    meaning: 'the token is not one that this boundary issued, or was revoked',
    next: 'get a new one with: sallyport token <resource>',
    retry: 'no',
    log: 'warn',
  },
  SP_AUTH_TOKEN_EXPIRED: {
    meaning: 'the token has expired',
    next: 'get a new one with: sallyport token <resource>',
    retry: 'no',
    log: 'info',
  },
  SP_AUTH_TOKEN_AUDIENCE: {
    meaning: 'the token was issued for another resource',
    next: 'get one for this resource with: sallyport token <resource>',
    retry: 'no',
    log: 'warn',
  },
  SP_AUTH_JOB_TOKEN_INVALID: {
    meaning:
      'the job token does not fulfil what the configuration asks of its issuer: signature, iss, aud, exp or claims',
    next: 'compare the claims of the token with identity.workloads in sallyport.yaml',
    retry: 'no',
    log: 'warn',
  },
  SP_AUTH_NO_SUBJECT: {
    meaning: 'the token names nobody: it has no stable subject',
    next: 'let the identity provider issue a subject for every person and workload',
    retry: 'no',
    log: 'warn',
  },
  SP_AUTH_LOGIN_REFUSED: {
    meaning: 'the identity provider refused the login, or its answer was not what it must be',
    next: 'try again; if it stays, whoever runs Sallyport finds the cause in its log',
    retry: 'yes',
    log: 'warn',
  },
  SP_AUTH_FAILED_ATTEMPTS: {
    meaning: 'too many failed attempts from this address',
    next: 'use a fresh token: a good one is let in at once; others are heard again in a minute',
    retry: 'later',
    log: 'warn',
  },
  SP_AUTH_UNAVAILABLE: {
    meaning: 'the identity could not be checked just now',
    next: 'try again; if it stays, whoever runs Sallyport finds the cause in its log',
    retry: 'later',
    log: 'error',
  },
  SP_RESOURCE_UNKNOWN: {
    meaning: 'not found or not allowed',
    next: 'see what you may reach with: sallyport whoami',
    retry: 'no',
    log: 'info',
  },
  SP_POLICY_DENIED: {
    meaning: 'no policy permits it',
    next: 'see why with: sallyport why <ref>',
    retry: 'no',
    log: 'info',
  },
  SP_POLICY_FORBIDDEN: {
    meaning: 'a policy forbids it',
    next: 'see why with: sallyport why <ref>',
    retry: 'no',
    log: 'info',
  },
  SP_POLICY_ERROR: {
    meaning: 'policy could not be evaluated, so the answer is no',
    next: 'tell the owner of the policy; sallyport why <ref> shows where',
    retry: 'no',
    log: 'error',
  },
  SP_POLICY_NEEDS_APPROVAL: {
    meaning: 'it needs an approval',
    next: 'have it approved with: sallyport approve <ref>; then do exactly the same again',
    retry: 'later',
    log: 'info',
  },
  SP_APPROVAL_DENIED: {
    meaning: 'an approver said no',
    next: 'see who and why with: sallyport show <ref>',
    retry: 'no',
    log: 'info',
  },
  SP_APPROVAL_NOT_YOURS: {
    meaning:
      'you may not answer this request: approvers are named by policy, and nobody answers for themselves or through an agent',
    next: 'see who may with: sallyport show <ref>',
    retry: 'no',
    log: 'warn',
  },
  SP_APPROVAL_OVER: {
    meaning: 'the request is not open any more',
    next: 'see what became of it with: sallyport show <ref>',
    retry: 'no',
    log: 'info',
  },
  SP_APPROVAL_UNAVAILABLE: {
    meaning: 'it needs an approval, and the request for one could not be opened just now',
    next: 'try again in a moment; if it stays, whoever runs Sallyport finds the cause in its log',
    retry: 'later',
    log: 'error',
  },
  SP_TOOL_UNKNOWN: {
    meaning: 'not found or not allowed',
    next: 'list the tools that you may call with tools/list',
    retry: 'no',
    log: 'info',
  },
  SP_TOOL_CHANGED: {
    meaning: 'the tool is not the one that was reviewed, so it is not called',
    next: 'review the new definition and pin it with: sallyport mcp pin <resource>',
    retry: 'no',
    log: 'error',
  },
  SP_TOOL_SERVER_FAILED: {
    meaning: 'the MCP server could not be started or ended in the middle; your access is fine',
    next: 'try again; tell whoever runs Sallyport: the log says what the server said',
    retry: 'later',
    log: 'error',
  },
  SP_TOOL_TIMEOUT: {
    meaning: 'the MCP server did not answer in time',
    next: 'try again with less to do; tell whoever runs the server',
    retry: 'later',
    log: 'warn',
  },
  SP_ISOLATION_UNAVAILABLE: {
    meaning: 'the MCP server cannot be started: this machine offers no way to isolate it',
    next: 'install bubblewrap or allow user namespaces; what was tried is said at the start',
    retry: 'no',
    log: 'error',
  },
  SP_OPERATION_INCOMPLETE: {
    meaning: 'the statement is not one that Sallyport fully understands, so policy cannot be applied to it',
    next: 'write it with the statements and functions listed in docs/guide/front-a-database.md',
    retry: 'no',
    log: 'info',
  },
  SP_OPERATION_TOO_LARGE: {
    meaning: 'the statement is larger than the limit',
    next: 'send smaller statements; the limit is in docs/guide/front-a-database.md',
    retry: 'no',
    log: 'info',
  },
  SP_CLASSIFIER_FAILED: {
    meaning: 'the statement broke the parser, so it was not sent',
    next: 'simplify the statement',
    retry: 'no',
    log: 'warn',
  },
  SP_CLASSIFIER_BUSY: {
    meaning: 'too many statements wait for the parser',
    next: 'try again in a moment',
    retry: 'later',
    log: 'warn',
  },
  SP_SCRUB_UNAVAILABLE: {
    meaning: 'the statement could not be searched for card data, so it was neither recorded nor sent',
    next: 'try again in a moment, or with a smaller statement',
    retry: 'later',
    log: 'warn',
  },
  SP_MASK_NUMERIC: {
    meaning: 'a number in the result looks like a card number, and a number cannot be truncated',
    next: 'leave the column out, or have it declared in masking.columns',
    retry: 'no',
    log: 'warn',
  },
  SP_MASK_SAD: {
    meaning: 'the result holds sensitive authentication data (track, verification code or PIN)',
    next: 'leave the column out; tell the owner of the data: it must not be stored at all',
    retry: 'no',
    log: 'error',
  },
  SP_MASK_TOO_LARGE: {
    meaning: 'a row of the result is larger than what can be searched for card data',
    next: 'leave the large column out, or fetch it in parts with substr()',
    retry: 'no',
    log: 'warn',
  },
  SP_MASK_FAILED: {
    meaning: 'the card-number detector failed, so the result was withheld',
    next: 'try again; if it stays, whoever runs Sallyport finds the cause in its log',
    retry: 'later',
    log: 'error',
  },
  SP_TRAIL_UNAVAILABLE: {
    meaning: 'access is paused: the audit trail cannot be written',
    next: 'nothing was sent; try again when whoever runs Sallyport has mended the trail',
    retry: 'later',
    log: 'error',
  },
  SP_SESSION_REVOKED: {
    meaning: 'the session was ended',
    next: 'ask the person named, or log in again',
    retry: 'no',
    log: 'info',
  },
  SP_SESSION_EXPIRED: {
    meaning: 'the time of the session is over',
    next: 'connect again with a fresh token',
    retry: 'yes',
    log: 'info',
  },
  SP_SESSION_IDLE: {
    meaning: 'the session was closed because nothing was asked for a while',
    next: 'connect again when needed',
    retry: 'yes',
    log: 'info',
  },
  SP_UPSTREAM_UNREACHABLE: {
    meaning: 'the resource did not answer; your access is fine',
    next: 'try again; tell whoever runs the resource',
    retry: 'later',
    log: 'error',
  },
  SP_UPSTREAM_REFUSED: {
    meaning: "the resource refused Sallyport's own credential or settings; your access is fine",
    next: 'tell whoever runs Sallyport: the log says what the resource answered',
    retry: 'later',
    log: 'error',
  },
  SP_UPSTREAM_PROTOCOL: {
    meaning: 'the resource sent something that its protocol does not allow, so the session was ended',
    next: 'connect again; tell whoever runs the resource',
    retry: 'later',
    log: 'error',
  },
  SP_WIRE_INVALID: {
    meaning: 'the client sent something that the protocol does not allow, so the session was ended',
    next: 'check the client and its version',
    retry: 'no',
    log: 'warn',
  },
  SP_WIRE_TOO_LARGE: {
    meaning: 'the client sent a message larger than the limit, so the session was ended',
    next: 'send smaller messages',
    retry: 'no',
    log: 'warn',
  },
  SP_WIRE_UNSUPPORTED: {
    meaning: 'the client asked for a part of the protocol that Sallyport does not pass on',
    next: 'docs/guide/front-a-database.md lists what is passed on',
    retry: 'no',
    log: 'info',
  },
  SP_BUSY: {
    meaning: 'too many connections or operations at once',
    next: 'try again in a moment',
    retry: 'later',
    log: 'warn',
  },
  SP_SHUTDOWN: {
    meaning: 'Sallyport is shutting down',
    next: 'connect again in a moment',
    retry: 'later',
    log: 'info',
  },
  SP_VAULT_SECRET_MISSING: {
    meaning: 'a secret that the configuration names is not there',
    next: 'set it where the configuration says; in the vault with: sallyport secret set <name>',
    retry: 'no',
    log: 'error',
  },
  SP_VAULT_SEAL_BROKEN: {
    meaning: 'a sealed secret does not open with the key at hand',
    next: 'restore the key that the store was sealed with, or set the secret again',
    retry: 'no',
    log: 'error',
  },
  SP_CONFIG_INVALID: {
    meaning: 'the configuration is not valid',
    next: 'mend the lines named and run: sallyport validate',
    retry: 'no',
    log: 'error',
  },
  SP_CONFIG_MISSING: {
    meaning: 'a file that describes the boundary is not there',
    next: 'name the file with -c, or write files to start from with: sallyport init <folder>',
    retry: 'no',
    log: 'error',
  },
  SP_POLICY_INVALID: {
    meaning: 'the policy is not valid, so it was not loaded',
    next: 'mend the lines named and run: sallyport validate',
    retry: 'no',
    log: 'error',
  },
  SP_TRAIL_TAMPERED: {
    meaning: 'the trail on disk is not what was last signed, so the gateway does not start on it',
    next: 'keep the folder as it is and run: npx --no-install sallyport-verify <trail folder>',
    retry: 'no',
    log: 'error',
  },
  SP_API_UNAUTHENTICATED: {
    meaning: 'not logged in, or the login has expired',
    next: 'run: sallyport login',
    retry: 'no',
    log: 'info',
  },
  SP_API_UNAVAILABLE: {
    meaning: 'the records cannot be read just now; what is recorded is not affected',
    next: 'try again in a moment',
    retry: 'later',
    log: 'error',
  },
  SP_API_NOT_FOUND: {
    meaning: 'not found or not allowed',
    next: 'check the reference or id',
    retry: 'no',
    log: 'info',
  },
  SP_API_INVALID: {
    meaning: 'the request is not valid',
    next: 'see sallyport help',
    retry: 'no',
    log: 'info',
  },
} as const satisfies Readonly<Record<string, CatalogueEntry>>

/** The code of an error: a key of the catalogue. */
export type ErrorCode = keyof typeof catalogue

/** A fault with a code of the catalogue. The message holds facts, never payloads. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message?: string, options?: ErrorOptions) {
    super(message ?? catalogue[code].meaning, options)
    this.code = code
  }
}
