/**
 * An MCP client on version 1 of the official TypeScript SDK, driven by lines of JSON on its standard input and output.
 *
 *     node client.mjs URL [TOKEN]
 *
 * Without a token it logs in: it says {"visit": ADDRESS} and reads the address that the browser came back to. It then says {"protocol": …,
 * "tools": […]}, and answers each line {"name": …, "arguments": {…}} with what the tool said.
 */
import { createInterface } from 'node:readline'
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

const CALLBACK = 'http://127.0.0.1:33420/callback'

const [, , address, token] = process.argv
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)

/** Keeps the tokens and the registration while the client runs. */
const kept = {}
const login = {
  redirectUrl: CALLBACK,
  clientMetadata: {
    client_name: 'typescript-v1-agent',
    redirect_uris: [CALLBACK],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  },
  clientInformation: () => kept.client,
  saveClientInformation: (client) => {
    kept.client = client
  },
  tokens: () => kept.tokens,
  saveTokens: (tokens) => {
    kept.tokens = tokens
  },
  saveCodeVerifier: (verifier) => {
    kept.verifier = verifier
  },
  codeVerifier: () => kept.verifier,
  redirectToAuthorization: (url) => say({ visit: url.href }),
}

const open = () =>
  new StreamableHTTPClientTransport(
    new URL(address),
    token === undefined ? { authProvider: login } : { requestInit: { headers: { authorization: `Bearer ${token}` } } },
  )

const connect = async () => {
  const client = new Client({ name: 'typescript-v1-agent', version: '1.0.0' })
  const transport = open()
  try {
    await client.connect(transport)
    return { client, transport }
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error
    const { value } = await lines.next()
    const query = new URL(value).searchParams
    await transport.finishAuth(query.get('code'))
    return await connect()
  }
}

const { client, transport } = await connect()
const { tools } = await client.listTools()
say({ protocol: transport.protocolVersion, tools: tools.map(({ name }) => name) })
for (;;) {
  const { value, done } = await lines.next()
  if (done) break
  try {
    say({ result: await client.callTool(JSON.parse(value)) })
  } catch (error) {
    say({ error: String(error) })
  }
}
await transport.terminateSession()
await client.close()
