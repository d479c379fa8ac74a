import { readFileSync } from 'node:fs'
import type { Access, Effect, Identity, Person, Resource, Session, Shape, Workload } from '#model'
import { formatProblem, isPolicyProblems, type LoadedPolicy, loadPolicy, type PolicyInput } from '#policy'

const REPOSITORY = new URL('../../../', import.meta.url)

/** Where something of the repository lies. */
export function repositoryUrl(path: string): URL {
  return new URL(path, REPOSITORY)
}

/** Reads one of the vectors for policy. */
export function readVector(name: string): string {
  return readFileSync(repositoryUrl(`testdata/policy/${name}`), 'utf8')
}

/** What the vectors' configuration declares, without policy files. */
export function sampleInput(): Omit<PolicyInput, 'files'> {
  return JSON.parse(readVector('boundary.json')) as Omit<PolicyInput, 'files'>
}

/** Loads policies for the vectors' configuration; those of `boundary.cedar` when none are given. */
export function loadSample(
  text: string = readVector('boundary.cedar'),
  changes: Partial<PolicyInput> = {},
): LoadedPolicy {
  const loaded = loadPolicy({ ...sampleInput(), files: [{ name: 'sample.cedar', text }], ...changes })
  if (isPolicyProblems(loaded)) throw new Error(loaded.problems.map(formatProblem).join('\n'))
  return loaded
}

/** A person in groups. */
export function person(groups: readonly string[], changes: Partial<Person> = {}): Person {
  return { kind: 'person', id: 'p1', issuer: 'i', subject: 's', name: 'n', groups, mfa: false, ...changes }
}

/** A workload. */
export function workload(id: string, groups: readonly string[] = []): Workload {
  return { kind: 'workload', id, issuer: 'i', subject: id, name: id, groups, mfa: false }
}

/** A resource of the vectors' configuration. */
export function sampleResource(name: string): Resource {
  const resource = sampleInput().resources.find((candidate) => candidate.name === name)
  if (resource === undefined) throw new Error(`the vectors have no resource ${name}`)
  return resource
}

/** A session on a resource of the vectors. */
export function sampleSession(identity: Identity, resource: string, address = '10.0.0.1'): Session {
  return {
    id: 'session',
    identity,
    resource: sampleResource(resource),
    tokenId: 't',
    grantId: 'g',
    startedAtMs: 0,
    endsAtMs: 1e15,
    client: { address, port: 1, tls: true },
  }
}

/** A shape with accesses to tables: `shape('select public.orders', …)`. */
export function shape(...accesses: readonly string[]): Shape {
  return shapeOf(accesses.map(tableAccess))
}

/** A shape with any accesses. */
export function shapeOf(accesses: readonly Access[], incomplete?: string): Shape {
  const facts = { verb: 'X', accesses, template: '', fingerprint: '' }
  return incomplete === undefined ? facts : { ...facts, incomplete }
}

function tableAccess(text: string): Access {
  const [effect = '', name = ''] = text.split(' ')
  const [schema = '', table = ''] = name.split('.')
  return { effect: effect as Effect, object: { kind: 'table', schema, name: table } }
}
