import { Secret } from '#base'
import type { Workload } from '#model'
import { checkConfig, loadConfig } from './config/load.ts'
import { namedFileProblems } from './config/named-files.ts'
import { formatProblem } from './config/problems.ts'
import { openFoundation } from './foundation.ts'
import { checkPolicyFolder, type PolicyTestLines, testPolicyFolder } from './policy-folder.ts'

/** Says what is wrong with a configuration, the files that it names and its policy, a line each; none when all is well. */
export function validate(configFile: string): readonly string[] {
  const found = checkConfig(configFile)
  if ('problems' in found) return found.problems.map(formatProblem)
  const problems = namedFileProblems(found.config)
  if (problems.length > 0) return problems.map(formatProblem)
  const policy = checkPolicyFolder(found.config)
  return 'problems' in policy ? policy.problems : []
}

/** Runs the policy's own cases. */
export function runPolicyTests(configFile: string): PolicyTestLines {
  return testPolicyFolder(loadConfig(configFile))
}

/** Whoever has the machine and the master key, before anybody can log in. */
const OPERATOR: Workload = {
  kind: 'workload',
  id: 'operator',
  issuer: 'local',
  subject: 'operator',
  name: 'operator',
  groups: [],
  mfa: false,
}

/**
 * Seals a secret while the gateway is not running: sets it, or rotates it when it is there. It is on record like any other change.
 *
 * @throws {GatewayError} `SP_TRAIL_UNAVAILABLE`, `SP_VAULT_SEAL_BROKEN`.
 */
export async function sealSecretOffline(
  configFile: string,
  environment: NodeJS.ProcessEnv,
  name: string,
  value: string,
): Promise<void> {
  await using foundation = await openFoundation(loadConfig(configFile), { environment, logLevel: 'warn' })
  const { vault } = foundation
  const exists = (await vault.list()).some((secret) => secret.name === name)
  await (exists ? vault.rotate(name, new Secret(value), OPERATOR) : vault.set(name, new Secret(value), OPERATOR))
}
