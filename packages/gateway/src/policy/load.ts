import { createHash } from 'node:crypto'
import { canonicalJson } from '#base'
import { buildCatalog, type Catalog, type CatalogInput } from './catalog.ts'
import { type CedarComplaint, cedarVersion, validatePolicies } from './cedar.ts'
import { lintPolicies } from './lint/index.ts'
import { LoadedPolicy } from './loaded.ts'
import { type ParsedPolicy, parseFile, type PolicyFile } from './policies.ts'
import { placeFinding, type PolicyProblem, type PolicyProblems, sortProblems } from './problems.ts'
import { formatSchema } from './schema.ts'
import { indexAtByte, placeAt } from './source.ts'
import { systemFile } from './system.ts'

/** What a policy set is loaded from: the text of its files and what the configuration declares. */
export interface PolicyInput extends CatalogInput {
  readonly files: readonly PolicyFile[]
}

/** UTF-16 units of one file. */
const MAX_FILE_LENGTH = 1 << 20
const MAX_FILES = 1_000
const MAX_POLICIES = 10_000

/**
 * Loads a policy set: parses, validates strictly against a schema generated from the configuration (warnings are errors) and lints it.
 * Either everything is right and the set can be put in force, or it is not and the one in force stays. Synchronous; costs one or two
 * milliseconds a policy.
 */
export function loadPolicy(input: PolicyInput): LoadedPolicy | PolicyProblems {
  const catalog = buildCatalog(input)
  const { policies, problems } = parseAll(input.files)
  if (problems.length > 0) return refused(problems)
  const linted = lintPolicies(policies, catalog)
  const found = [...linted, ...withoutEchoes(validateAll(policies, formatSchema(catalog)), linted)]
  if (found.length > 0) return refused(found)
  const canonicalText = canonicalTextOf(input, catalog)
  const hash = createHash('sha256').update(canonicalText).digest('hex')
  const sources = [systemFile, ...input.files.toSorted(byName)]
  return new LoadedPolicy({ policies, catalog, hash, canonicalText, sources })
}

/** Whether the answer of `loadPolicy` is a refusal. */
export function isPolicyProblems(loaded: LoadedPolicy | PolicyProblems): loaded is PolicyProblems {
  return loaded.kind === 'problems'
}

function refused(problems: readonly PolicyProblem[]): PolicyProblems {
  return { kind: 'problems', problems: sortProblems(problems) }
}

/** Parses the shipped file and the given ones. */
export function parseAll(files: readonly PolicyFile[]): {
  readonly policies: readonly ParsedPolicy[]
  readonly problems: readonly PolicyProblem[]
} {
  const excess = excessOf(files)
  if (excess.length > 0) return { policies: [], problems: excess }
  const parsed = [parseFile(systemFile, true), ...files.toSorted(byName).map((file) => parseFile(file, false))]
  const policies = parsed.flatMap((file) => file.policies)
  const problems = parsed.flatMap((file) => file.problems)
  if (policies.length <= MAX_POLICIES) return { policies, problems }
  return { policies, problems: [...problems, limit('', `more than ${MAX_POLICIES} policies`, 'join some')] }
}

function excessOf(files: readonly PolicyFile[]): readonly PolicyProblem[] {
  if (files.length > MAX_FILES) return [limit('', `more than ${MAX_FILES} policy files`, 'join some')]
  const problems: PolicyProblem[] = []
  for (const { name, text } of files) {
    if (text.length > MAX_FILE_LENGTH)
      problems.push(limit(name, `longer than ${MAX_FILE_LENGTH} characters`, 'split it'))
    // Cedar counts bytes of UTF-8, in which such text cannot be written
    if (!text.isWellFormed()) problems.push(limit(name, 'the text is not well-formed Unicode', 'save it as UTF-8'))
  }
  return problems
}

function limit(file: string, message: string, fix: string): PolicyProblem {
  return placeFinding({ rule: 'limit', message, fix, at: 0 }, file, { line: 1, column: 1 }, undefined)
}

/** Validates policies under their position, as two may have the same id or none. */
function validateAll(policies: readonly ParsedPolicy[], schema: string): readonly PolicyProblem[] {
  const texts = Object.fromEntries(policies.map((policy, index) => [String(index), policy.statement.text]))
  return validatePolicies(schema, texts).map((complaint) => toProblem(complaint, policies[Number(complaint.policy)]))
}

/**
 * Cedar's complaints without those that say again, and less plainly, what the linter found: at the same place, or that a policy can never
 * match which reads an argument that there is not.
 */
function withoutEchoes(
  complaints: readonly PolicyProblem[],
  linted: readonly PolicyProblem[],
): readonly PolicyProblem[] {
  const places = new Set(linted.map(formatPlace))
  const misread = new Set(linted.filter(({ rule }) => rule === 'argument').map(formatPolicy))
  return complaints.filter(
    (complaint) =>
      !places.has(formatPlace(complaint)) &&
      !(complaint.rule === 'cedar-warning' && misread.has(formatPolicy(complaint))),
  )
}

function formatPlace({ file, line, column }: PolicyProblem): string {
  return `${line}:${column}:${file}`
}

function formatPolicy({ file, policy }: PolicyProblem): string {
  return `${policy ?? ''}:${file}`
}

function toProblem(complaint: CedarComplaint, policy: ParsedPolicy | undefined): PolicyProblem {
  const rule = complaint.kind === 'error' ? 'cedar-type' : 'cedar-warning'
  const fix = complaint.help ?? 'docs/guide/policy.md lists the entities, actions and facts'
  if (policy === undefined) {
    return placeFinding(
      { rule, message: complaint.message, fix, at: 0 },
      systemFile.name,
      { line: 1, column: 1 },
      undefined,
    )
  }
  const { file, statement, id } = policy
  const at = statement.start + indexAtByte(statement.text, complaint.startByte)
  const finding = { rule, message: complaint.message, fix, at } as const
  return placeFinding(finding, file.name, placeAt(file.text, at), id === '' ? undefined : id)
}

/**
 * Everything that a decision can depend on: the policies' texts, what the configuration declares, the schema and Cedar's version. Not the
 * names and order of files, which decide nothing: the same policy has the same hash wherever it lies.
 */
function canonicalTextOf(input: PolicyInput, catalog: Catalog): string {
  const files = [systemFile, ...input.files].map(({ text }) => text)
  const databases = [...catalog.databases.values()].map(({ name, zone, tables, columns }) => ({
    name,
    zone: zone ?? null,
    tables: [...tables].sort(),
    columns: [...columns.values()]
      .flatMap((declared) => declared.map((column) => `${column.entity} ${column.class}`))
      .sort(),
  }))
  const servers = [...catalog.servers.values()].map(({ name, zone, tools }) => ({
    name,
    zone: zone ?? null,
    tools: [...tools.values()].map((tool) => ({ name: tool.name, hash: tool.hash })).sort(byName),
  }))
  return canonicalJson({
    cedar: cedarVersion(),
    schema: formatSchema(catalog),
    files: files.sort(),
    databases: databases.sort(byName),
    servers: servers.sort(byName),
    workloads: [...catalog.workloads].sort(),
  })
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  if (a.name === b.name) return 0
  return a.name < b.name ? -1 : 1
}
