/** MCP clients that others made, each a process of its own; the person's part of a login is played. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createBrowser } from '../demo/login.ts'
import { REPOSITORY } from '../demo/plan.ts'
import { outsideFolder, outsidePython } from './outside.ts'

/** What a tool said. */
export interface ForeignResult {
  readonly isError?: boolean
  readonly content: readonly { readonly text: string }[]
}

/** What a call came to: a result, or an error of the protocol in words. */
export interface ForeignAnswer {
  readonly result?: ForeignResult
  readonly error?: string
}

/** A client that is connected. */
export interface ForeignClient extends AsyncDisposable {
  /** The version of the protocol that it agreed on. */
  readonly protocol: string
  readonly tools: readonly string[]
  call(name: string, args: Readonly<Record<string, unknown>>): Promise<ForeignAnswer>
}

/** Where it connects, and as whom: a person who logs in, or the bearer of a token. */
export interface ForeignLogin {
  readonly url: string
  readonly person?: string
  readonly token?: string
}

/** Version 1 of the official TypeScript SDK. */
export async function connectSdk1({ url, person, token }: ForeignLogin): Promise<ForeignClient> {
  const script = join(await outsideFolder(), 'client.mjs')
  return await drive(process.execPath, [script, url, ...(token === undefined ? [] : [token])], person)
}

/** The official Python SDK. `mode` is `legacy`, `auto` or a version of the protocol. */
export async function connectPython(mode: string, { url, person, token }: ForeignLogin): Promise<ForeignClient> {
  const script = join(REPOSITORY, 'e2e/python/client.py')
  return await drive(await outsidePython(), [script, url, mode, ...(token === undefined ? [] : [token])], person)
}

async function drive(program: string, args: readonly string[], person = ''): Promise<ForeignClient> {
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' },
  })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said = `${said}${chunk.toString()}`.slice(-4000)
  })
  // One that has ended reads nothing.
  child.stdin.on('error', () => undefined)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const hear = async (): Promise<Readonly<Record<string, unknown>>> => {
    const { value, done } = await lines.next()
    if (done === true) throw new Error(`the client ended: ${said}`)
    return JSON.parse(value) as Readonly<Record<string, unknown>>
  }
  let first = await hear()
  if (typeof first['visit'] === 'string') {
    const { url, body } = await createBrowser().visit(first['visit'], {
      person,
      until: ({ pathname }) => pathname === '/callback',
    })
    if (url.pathname !== '/callback') throw new Error(`the login ended at ${url.href}: ${body}`)
    child.stdin.write(`${url.href}\n`)
    first = await hear()
  }
  const { protocol, tools } = first as unknown as Pick<ForeignClient, 'protocol' | 'tools'>
  return {
    protocol,
    tools,
    call: async (name, args) => {
      child.stdin.write(`${JSON.stringify({ name, arguments: args })}\n`)
      return await hear()
    },
    [Symbol.asyncDispose]: async () => {
      child.stdin.end()
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}
