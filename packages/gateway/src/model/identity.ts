/** A person, known from the customer's identity provider. */
export interface Person {
  readonly kind: 'person'
  /** Stable, without a name in it: what records carry. */
  readonly id: string
  readonly issuer: string
  readonly subject: string
  /** What people call them (e-mail or name); shown to people, never written to a leaf. */
  readonly name: string
  /** Groups as the identity provider states them, sorted. */
  readonly groups: readonly string[]
  /** Whether the identity provider vouches for more than one factor. */
  readonly mfa: boolean
  /** The AI agent through which the person acts, when there is one. */
  readonly agent?: Agent
}

/** A CI job or a service, known by its own token of a configured issuer. */
export interface Workload {
  readonly kind: 'workload'
  /** The name that the configuration gives it. */
  readonly id: string
  readonly issuer: string
  readonly subject: string
  readonly name: string
  readonly groups: readonly string[]
  readonly mfa: false
  readonly agent?: Agent
}

/** An AI agent: an OAuth client that registered itself and acts for a person. */
export interface Agent {
  /** `cli_…`, made here at its registration and the same for as long as that lasts; two installations of one application have two. */
  readonly id: string
  /**
   * What the application calls itself, cleaned and shortened. It is for people to read and proves nothing: anybody can register as "Claude Code". A
   * policy that means a certain agent names its id, or asks only whether there is an agent at all.
   */
  readonly name: string
}

/** One actor: every record names exactly one. */
export type Identity = Person | Workload
