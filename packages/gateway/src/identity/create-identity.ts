import { Accounts } from './accounts.ts'
import { createAuthorizationServer, PATHS } from './authorization-server.ts'
import { Clients } from './clients.ts'
import { Federation } from './federation.ts'
import { Hooks } from './hooks.ts'
import { createHandler, handlesPath } from './http.ts'
import { JobTokens } from './job-tokens.ts'
import { loadProviderLibrary, type ProviderLibrary } from './load-provider.ts'
import type { IdentityOptions, IdentityService } from './options.ts'
import { openOwnKeys, type OwnKeys } from './own-keys.ts'
import { Recorder } from './recorder.ts'
import { Revoker } from './revoker.ts'
import { RosterView } from './roster-view.ts'
import { readSettings, type Settings } from './settings.ts'
import { SignIn } from './sign-in.ts'
import { startSweeping } from './sweeper.ts'
import { REGISTRATION_LIMITS, STEP_LIMITS, Throttle } from './throttle.ts'
import { Tokens } from './tokens.ts'

/**
 * Starts identity over its store. The identity provider is asked when somebody logs in, not now.
 *
 * @throws {GatewayError} `SP_CONFIG_INVALID` for options that cannot be; `SP_VAULT_SEAL_BROKEN` when the store's keys do not open.
 */
export async function createIdentity(options: IdentityOptions): Promise<IdentityService> {
  const settings = readSettings(options)
  const library = await loadProviderLibrary()
  const keys = await openOwnKeys(options.keys, options.sealer, Math.floor(options.clock.nowMs()))
  const { tokens, revoker, federation, clients, handler } = assemble(options, settings, keys, library)
  const view = new RosterView(options.store, options.clock, clients)
  const sweeping = startSweeping(options)
  return {
    credentials: tokens,
    handles: handlesPath,
    handler,
    verifyApi: async (secret) => await tokens.verifyFor(secret, settings.audiences.api),
    tokenIdOf: (secret) => revoker.tokenIdOf(secret),
    revoke: async (target, by, reason) => await revoker.revoke(target, { by, reason }),
    names: async (ids) => await view.names(ids),
    find: async (person) => await view.find(person),
    roster: async (limit, after) => await options.store.roster.list(limit, after),
    erase: async (identityId) => await options.store.roster.erase(identityId),
    logins: async (filter) => await view.logins(filter),
    upstreamReachable: async () => await federation.isReachable(),
    close: () => {
      sweeping.stop()
    },
  }
}

interface Parts {
  readonly tokens: Tokens
  readonly revoker: Revoker
  readonly federation: Federation
  readonly clients: Clients
  readonly handler: IdentityService['handler']
}

function assemble(options: IdentityOptions, settings: Settings, keys: OwnKeys, library: ProviderLibrary): Parts {
  const { store, sealer, clock, trail, log } = options
  const { digests } = keys
  const recorder = new Recorder(trail, clock)
  const clients = new Clients({ store: store.artefacts, digests, sealer, recorder, clock })
  const accounts = new Accounts(store, clients, clock)
  const workloads = new Set(settings.workloads.map(({ name }) => name))
  const revoker = new Revoker({ store, digests, workloads, clock, log })
  const base = { settings, store, digests, sealer, accounts, clients, recorder, clock, log }
  const hooks = new Hooks({ ...base, library, revoker })
  const context = { store: store.artefacts, digests, sealer, clock }
  const server = createAuthorizationServer(library, settings, keys, { context, hooks, clients })
  hooks.attach(server)
  const federation = new Federation(options.upstream, `${settings.issuer}${PATHS.callback}`, clock)
  const jobTokens = new JobTokens(settings.workloads, settings.issuer, clock)
  const signIn = new SignIn({ ...base, server, federation })
  const throttles = {
    beginnings: new Throttle(clock),
    steps: new Throttle(clock, STEP_LIMITS),
    registrations: new Throttle(clock, REGISTRATION_LIMITS),
  }
  return {
    tokens: new Tokens({ ...base, jobTokens, onRevoked: (listener) => revoker.onRevoked(listener) }),
    revoker,
    federation,
    clients,
    handler: createHandler({ server, signIn, settings, clients, throttles, log }),
  }
}
