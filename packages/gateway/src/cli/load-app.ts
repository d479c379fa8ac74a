import type * as App from '#app'

/** The gateway itself, for the commands that run one or read its files. The others, which talk to one, start without it: in half the time. */
export function loadApp(): Promise<typeof App> {
  return import('#app')
}
