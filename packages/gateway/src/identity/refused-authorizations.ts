import type { ErrorOut, default as Provider } from 'oidc-provider'
import { isRegistered } from './clients.ts'
import type { Page } from './pages.ts'
import { isOnThisMachine } from './registration.ts'

/**
 * Keeps errors from being sent to other computers: anybody can register an address, and an error would take a person there who has agreed to nothing,
 * from an address that they trust. Our own command line and programs on the person's computer are told as before.
 *
 * RFC 9700 §4.11.2: "The authorization server SHOULD only automatically redirect the user agent if it trusts the redirect URI."
 */
export function keepErrorsHere(server: Provider): void {
  // The library says this before it looks whether it may redirect.
  server.on('authorization.error', ({ oidc }, error) => {
    const { client_id: clientId, redirect_uri: redirectUri } = oidc.params ?? {}
    if (isRegistered(clientId) && !(URL.canParse(String(redirectUri)) && isOnThisMachine(String(redirectUri))))
      error.allow_redirect = false
  })
}

/** The page for an error that is not sent to the application. */
export function errorPage({ error, error_description: description }: ErrorOut): Page {
  if (error === 'access_denied')
    return {
      title: 'You said no',
      lines: ['The application gets nothing, and has not been told. You can close this window.'],
    }
  return {
    title: 'That did not work',
    lines: [
      error === 'invalid_client'
        ? 'The application is not registered here any more. Remove the server in the application and add it again.'
        : 'Start again where you began.',
    ],
    small: [error, description].filter((text) => text !== undefined).join(': '),
  }
}
