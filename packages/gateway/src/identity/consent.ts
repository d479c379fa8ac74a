import { type RegisteredClient } from './clients.ts'
import { escapeHtml, type Page } from './pages.ts'
import { isOnThisMachine, redirectHost } from './registration.ts'

/** What a person is asked before an application may act in their name. */
export interface ConsentQuestion {
  readonly client: RegisteredClient
  /** The name of the MCP server, and the URI of its endpoint. */
  readonly resource: string
  readonly audience: string
  /** Where the answer goes; one of those that the application registered. */
  readonly redirectUri: string
  /** Where the person's answer is sent, and what shows that it comes from this page. */
  readonly action: string
  readonly proof: string
}

/**
 * The page that asks. Everything that the application says of itself is marked as its own words; what is certain is where the answer goes. Neither
 * button is chosen beforehand: a page that catches a stray Enter or a click meant for another one must not find a Yes under it.
 */
export function consentPage({ client, resource, audience, redirectUri, action, proof }: ConsentQuestion): Page {
  const host = redirectHost(redirectUri)
  const asker =
    client.name === undefined
      ? 'An application that does not give its name'
      : `An application that calls itself “${client.name}”`
  return {
    title: 'May this application act in your name?',
    lines: [
      `${asker} asks to use the MCP server ${resource} as you. Nobody has checked that name.`,
      isOnThisMachine(redirectUri)
        ? `Your answer goes to a program on this computer (${host}).`
        : `Your answer goes to ${host}, which is not this computer.`,
      'Say yes only if you have just started this in that application yourself. What it then asks for is decided and recorded as yours, through it. It cannot approve anything in your name.',
    ],
    markup: `<form method="post" action="${escapeHtml(action)}">
<input type="hidden" name="proof" value="${escapeHtml(proof)}">
<button type="submit" name="answer" value="no">No</button>
<button type="submit" name="answer" value="yes">Yes, log in</button>
</form>`,
    small: `${client.clientId} · ${audience}`,
  }
}
