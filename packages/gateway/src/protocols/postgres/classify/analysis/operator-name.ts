import type { Findings } from './findings.ts'
import { auditedOperators } from './operators.ts'
import { nameParts } from './tree.ts'

/** Doubts an operator that is not on the audited list, or that is asked for in another schema than pg_catalog. */
export function operatorIsAudited(name: readonly unknown[], findings: Findings): void {
  const parts = nameParts(name)
  const operator = parts?.at(-1)
  const schema = parts?.length === 2 ? parts[0] : undefined
  if (parts === undefined || operator === undefined || parts.length > 2) {
    findings.doubt('an operator of this form is not understood')
  } else if (schema !== undefined && schema !== 'pg_catalog') {
    findings.doubt('an operator of another schema than pg_catalog is not understood')
  } else if (!auditedOperators.has(operator)) {
    findings.doubt(`operator ${operator} is not on the audited list`)
  }
}
