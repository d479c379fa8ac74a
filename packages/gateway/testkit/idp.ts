import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const SCRIPT = fileURLToPath(new URL('../../../demo/idp.ts', import.meta.url))

/** The development identity provider, in a process of its own. */
export interface IdpProcess {
  readonly issuer: string
  /** A job token of ci-bot for an audience, as its issuer gives it. */
  jobToken(audience: string): Promise<string>
  stop(): Promise<void>
}

/** Starts the development identity provider on a free port. */
export async function startIdp(...args: string[]): Promise<IdpProcess> {
  const child = spawn(process.execPath, [SCRIPT, '--port', '0', ...args], { stdio: ['pipe', 'pipe', 'ignore'] })
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve()
    })
  })
  const { promise: ready, resolve, reject } = Promise.withResolvers<string>()
  createInterface({ input: child.stdout }).once('line', resolve)
  child.once('exit', () => {
    reject(new Error('the identity provider ended before it was ready'))
  })
  const { issuer } = JSON.parse(await ready) as { issuer: string }
  return {
    issuer,
    jobToken: async (audience) => await askForJobToken(issuer, audience),
    stop: async () => {
      // It ends when its standard input does.
      child.stdin.end()
      await exited
    },
  }
}

async function askForJobToken(issuer: string, audience: string): Promise<string> {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from('ci-bot:ci-bot-demo-secret').toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: audience }),
  })
  const { access_token: token } = (await response.json()) as { access_token?: string }
  if (token === undefined) throw new Error('the identity provider gave no job token')
  return token
}
