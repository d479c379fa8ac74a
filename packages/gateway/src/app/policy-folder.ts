import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { GatewayError } from '#model'
import { formatExplanation, formatProblem, isPolicyProblems, type LoadedPolicy, loadPolicy, testPolicy } from '#policy'
import type { Config } from './config/load.ts'
import { unreadable } from './config/unreadable.ts'

/** The name that policies call the boundary by: `Boundary::"sallyport"`. */
const BOUNDARY_NAME = 'sallyport'

/**
 * Loads the policy of a configuration.
 *
 * @throws {GatewayError} `SP_CONFIG_MISSING`; `SP_POLICY_INVALID` with one line `file:line:column: message` per problem.
 */
export function loadPolicyFolder(config: Config): LoadedPolicy {
  const found = checkPolicyFolder(config)
  if ('problems' in found) throw new GatewayError('SP_POLICY_INVALID', found.problems.join('\n'))
  return found.policy
}

/** Loads the policy of a configuration, or says what is wrong with it, a line each. */
export function checkPolicyFolder(
  config: Config,
): { readonly policy: LoadedPolicy } | { readonly problems: readonly string[] } {
  const loaded = loadPolicy({
    files: policyFiles(config.policyFolder),
    resources: config.resources.map(({ resource }) => resource),
    groups: config.file.groups,
    workloads: config.file.identity.workloads.map(({ name }) => name),
    boundaryName: BOUNDARY_NAME,
  })
  return isPolicyProblems(loaded) ? { problems: loaded.problems.map(formatProblem) } : { policy: loaded }
}

/** What `sallyport policy test` shows. */
export interface PolicyTestLines {
  readonly passed: number
  readonly failed: number
  readonly lines: readonly string[]
}

/** Runs `tests.yaml` of the policy folder. */
export function testPolicyFolder(config: Config): PolicyTestLines {
  const policy = loadPolicyFolder(config)
  const document: unknown = parse(readPolicyFile(join(config.policyFolder, 'tests.yaml')))
  const { faults, results, unexercised } = testPolicy(policy, document)
  const failed = results.filter(({ passed }) => !passed)
  return {
    passed: results.length - failed.length,
    failed: failed.length + faults.length,
    lines: [
      ...faults.map((fault) => `✗ tests.yaml: ${fault}`),
      ...results.flatMap(({ name, passed, explanation }) =>
        passed ? [`✓ ${name}`] : [`✗ ${name}`, ...formatExplanation(explanation).map((line) => `    ${line}`)],
      ),
      ...unexercised.map((id) => `! no case exercises "${id}"`),
      `${results.length - failed.length} passed, ${failed.length + faults.length} failed`,
    ],
  }
}

function policyFiles(folder: string): readonly { name: string; text: string }[] {
  const names = listFolder(folder).filter((name) => name.endsWith('.cedar'))
  return names.sort().map((name) => ({ name: join(folder, name), text: readPolicyFile(join(folder, name)) }))
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    throw unreadable(folder, error, 'folder ')
  }
}

function readPolicyFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw unreadable(path, error)
  }
}
