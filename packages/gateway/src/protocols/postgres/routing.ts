/** What a client said about where it wants to go. */
export interface Wish {
  /** The host name of the TLS handshake. */
  readonly serverName: string | undefined
  readonly user: string
  readonly database: string | undefined
}

/** A resource as routing sees it. */
export interface Routable {
  readonly resource: { readonly name: string }
  readonly settings: { readonly database: string }
}

/**
 * Finds the resource that a client means: by the first label of the host name it connected to (`payments-prod.gw.example.com`), else by
 * the user name (`reader#payments-prod`), else by the database, which is a resource's name or the only one with that database behind it,
 * else the only resource there is. Undefined when it names none, or more than one.
 */
export function findResource<T extends Routable>(resources: readonly T[], wish: Wish): T | undefined {
  const label = wish.serverName?.split('.')[0]?.toLowerCase()
  const byHost = resources.find(({ resource }) => resource.name.toLowerCase() === label)
  if (byHost !== undefined) return byHost
  const hash = wish.user.lastIndexOf('#')
  if (hash >= 0) return byName(resources, wish.user.slice(hash + 1))
  if (wish.database !== undefined) {
    const named = byName(resources, wish.database)
    if (named !== undefined) return named
    const behind = resources.filter(({ settings }) => settings.database === wish.database)
    if (behind.length > 0) return only(behind)
  }
  return only(resources)
}

function byName<T extends Routable>(resources: readonly T[], name: string): T | undefined {
  return resources.find(({ resource }) => resource.name === name)
}

function only<T>(found: readonly T[]): T | undefined {
  return found.length === 1 ? found[0] : undefined
}
