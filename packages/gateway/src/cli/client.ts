import type { Problem } from '#api'
import { systemClock } from '#machine'
import { CommandError, EXIT } from './exit-codes.ts'
import { apiUri, tokenFor } from './login.ts'
import type { Profiles } from './profile.ts'

/** A kept API token is not used in its last seconds. */
const TOKEN_MARGIN_MS = 30_000

/** Speaks to the gateway's API as one profile. */
export class ApiClient {
  readonly #profiles: Profiles
  readonly #profileName: string

  constructor(profiles: Profiles, profileName: string) {
    this.#profiles = profiles
    this.#profileName = profileName
  }

  /** @throws {CommandError} with the problem's own words and the exit code for it. */
  async get<T>(path: string, query: Readonly<Record<string, string | undefined>> = {}): Promise<T> {
    return (await (await this.request('GET', path, query)).json()) as T
  }

  async send(method: 'POST' | 'PUT', path: string, body: unknown): Promise<Response> {
    return await this.request(method, path, {}, body)
  }

  /** One request with the bearer token; anything but a 2xx throws. */
  async request(
    method: string,
    path: string,
    query: Readonly<Record<string, string | undefined>> = {},
    body?: unknown,
  ): Promise<Response> {
    const { url, token } = await this.#token()
    const address = new URL(`${url}/api/v1${path}`)
    for (const [key, value] of Object.entries(query)) if (value !== undefined) address.searchParams.set(key, value)
    const headers = {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    }
    const response = await fetch(address, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((error: unknown) => {
      throw new CommandError(
        EXIT.upstream,
        `no Sallyport answers at ${url}`,
        error instanceof Error ? error.message : undefined,
      )
    })
    if (!response.ok) throw await toCommandError(response)
    return response
  }

  async #token(): Promise<{ url: string; token: string }> {
    return await this.#profiles.exclusively(this.#profileName, async () => {
      const profile = this.#profiles.read(this.#profileName)
      if (profile.api !== undefined && profile.api.expiresAtMs - TOKEN_MARGIN_MS > systemClock.nowMs()) {
        return { url: profile.url, token: profile.api.token }
      }
      const fresh = await tokenFor(profile, apiUri(profile.url))
      this.#profiles.write(this.#profileName, {
        ...fresh.profile,
        api: { token: fresh.token, expiresAtMs: fresh.expiresAtMs },
      })
      return { url: profile.url, token: fresh.token }
    })
  }
}

async function toCommandError(response: Response): Promise<CommandError> {
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem>
  const message = `${problem.detail ?? response.statusText}${problem.ref === undefined ? '' : ` [ref ${problem.ref}]`}`
  return new CommandError(exitCodeOf(response.status), message, problem.next)
}

function exitCodeOf(status: number): number {
  if (status === 401) return EXIT.login
  if (status === 403) return EXIT.denied
  if (status === 404) return EXIT.notFound
  if (status === 409) return EXIT.conflict
  if (status === 400) return EXIT.usage
  return status >= 500 ? EXIT.upstream : EXIT.unexpected
}
