/**
 * identity: who presents a secret. Sallyport's own OAuth 2.1 authorization server, federating to the customer's identity provider, and the
 * check of tokens: its own opaque ones and the job tokens of configured issuers.
 *
 * Applications may register themselves (RFC 7591) for MCP servers: the person is asked at each login, the identity then bears the application as its
 * agent, and no token of one is good at the API or a database (docs/spec/oauth.md).
 *
 * A token rests only as a keyed digest; its id comes in, is digested, and is gone. Whoever has the store cannot use what is in it. Logins
 * and tokens are recorded before they take effect; what cannot be recorded does not happen. Nothing that a client asserts about itself
 * becomes part of an identity, and a token without a stable subject is nobody's.
 */
export type {
  IdentityOptions,
  IdentityService,
  ListedLogin,
  RevocationTarget,
  UpstreamProvider,
  WorkloadRule,
} from './options.ts'
export { createIdentity } from './create-identity.ts'
