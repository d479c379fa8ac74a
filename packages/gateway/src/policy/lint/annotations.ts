import { type ParsedPolicy, SYSTEM_PREFIX } from '../policies.ts'
import type { Finding } from '../problems.ts'
import { locateAnnotation, locateEffect } from './locate.ts'

const KNOWN_KEYS: ReadonlySet<string> = new Set(['id', 'need', 'owner', 'reviewed', 'approvers'])
const ID = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$/
/** Annotations are shown in exports and explanations. */
const MAX_TEXT = 500

/** Every policy has an id and an owner, every permit a need; no other annotation than the known ones, none without a text. */
export function* lintAnnotations(policy: ParsedPolicy): Generator<Finding> {
  for (const [key, text] of policy.annotations) {
    if (!KNOWN_KEYS.has(key)) {
      yield at(
        policy,
        key,
        `unknown annotation @${key}`,
        `use one of: ${[...KNOWN_KEYS].map((known) => `@${known}`).join(', ')}`,
      )
    } else if (text === null || text.trim() === '' || text.length > MAX_TEXT) {
      yield at(policy, key, `@${key} needs a text of 1 to ${MAX_TEXT} characters`, `write @${key}("…")`)
    }
  }
  yield* lintRequired(policy)
  if (policy.annotations.has('id')) yield* lintId(policy)
}

function* lintRequired(policy: ParsedPolicy): Generator<Finding> {
  for (const key of policy.effect === 'permit' ? ['id', 'need', 'owner'] : ['id', 'owner']) {
    if (!policy.annotations.has(key)) yield missing(policy, key)
  }
}

const FIXES: Readonly<Record<string, string>> = {
  id: 'write @id("…"): a name that explanations and records can give',
  need: 'write @need("…"): the business need that this access serves',
  owner: 'write @owner("…"): who answers for this policy',
}

function missing(policy: ParsedPolicy, key: string): Finding {
  return {
    rule: 'annotation',
    message: `@${key} is missing`,
    fix: FIXES[key] ?? `write @${key}("…")`,
    at: locateEffect(policy),
  }
}

function* lintId(policy: ParsedPolicy): Generator<Finding> {
  if (!ID.test(policy.id)) {
    yield at(policy, 'id', '@id is not a plain name', 'use up to 64 letters, digits and the characters . _ / -')
  } else if (policy.id.startsWith(SYSTEM_PREFIX) && !policy.isSystem) {
    yield at(policy, 'id', `ids beginning with ${SYSTEM_PREFIX} belong to Sallyport`, 'choose another id')
  }
}

function at(policy: ParsedPolicy, key: string, message: string, fix: string): Finding {
  return { rule: 'annotation', message, fix, at: locateAnnotation(policy, key) }
}
