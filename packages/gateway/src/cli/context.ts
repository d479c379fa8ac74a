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

/** The context of one run. */
export function createContext(run: Omit<Context, 'api'>): Context {
  return { ...run, api: () => new ApiClient(run.profiles, run.profile) }
}
