import { formatRef } from '#base'
import { catalogue, type ErrorCode, type Identity, type Refusal, type Resource } from '#model'

/** The facts of a refusal. */
interface RefusalFacts {
  readonly code: ErrorCode
  /** What was asked, in a word or two: `access`, `DELETE`. */
  readonly what: string
  readonly resource: Resource
  /** Absent when the caller is nobody known. */
  readonly identity?: Identity
  readonly reason?: string
  /** The record's number, when the refusal is on record. */
  readonly sequence?: number
  /** The reference to give when it is another than that of the record: of the request for an approval. */
  readonly ref?: string
}

/**
 * Words a refusal by the one formula: *what* on *resource* for *identity*: *reason* [ref …]. Whoever is not known learns nothing of the
 * resource but the name that they gave themselves.
 */
export function refusal(facts: RefusalFacts): Refusal {
  const ref = facts.ref ?? (facts.sequence === undefined ? undefined : formatRef(facts.sequence))
  const whom = facts.identity === undefined ? '' : ` for ${facts.identity.name}`
  const reason = facts.reason ?? catalogue[facts.code].meaning
  const message = `${facts.what} on "${facts.resource.name}" refused${whom}: ${reason}${ref === undefined ? '' : ` [ref ${ref}]`}`
  return { code: facts.code, message, hint: nextStep(facts, ref), ...(ref === undefined ? {} : { ref }) }
}

function nextStep(facts: RefusalFacts, ref: string | undefined): string {
  return catalogue[facts.code].next.replace('<resource>', facts.resource.name).replace('<ref>', ref ?? '<ref>')
}
