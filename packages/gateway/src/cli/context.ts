import { ApiClient } from './client.ts'
import type { Output } from './output.ts'
import type { Profiles } from './profile.ts'

/** What every command works with. */
export interface Context {
  readonly output: Output
  readonly profiles: Profiles
  readonly profile: string
  readonly environment: NodeJS.ProcessEnv
  readonly cwd: string
  api(): ApiClient
}

/** The context of one run, with the options that stand before the command. */
export function createContext(output: Output, profiles: Profiles, profile: string, environment: NodeJS.ProcessEnv, cwd: string): Context {
  return { output, profiles, profile, environment, cwd, api: () => new ApiClient(profiles, profile) }
}
