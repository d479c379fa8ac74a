/** MCP servers of the tests themselves, in `tools/`: what configuration and policy say of them. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pinTools } from '#app'
import { REPOSITORY } from '../demo/plan.ts'

/** One server behind the boundary. */
export interface OwnServer {
  /** The name of the resource. */
  readonly name: string
  /** The script, as an address. */
  readonly script: URL
  /** Besides the tools and the packages: folders that it may read. */
  readonly code?: readonly string[]
  readonly arguments?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** The database that its SQL goes to. */
  readonly database?: string
}

/** The entry of `resources` in sallyport.yaml. */
export function ownResource(server: OwnServer): string {
  const command = ['node', fileURLToPath(server.script), ...(server.arguments ?? [])]
  const code = [join(REPOSITORY, 'e2e/tools'), join(REPOSITORY, 'node_modules'), ...(server.code ?? [])]
  return `  - name: ${server.name}
    zone: cde
    mcp:
      command: ${JSON.stringify(command)}
      code: ${JSON.stringify(code)}
      environment: ${JSON.stringify(server.environment ?? {})}
${server.database === undefined ? '' : `      database: ${server.database}\n`}`
}

/** What policy may name of servers: their tools as `sallyport mcp pin` finds them, as files of the policy folder. */
export async function ownPins(servers: readonly OwnServer[]): Promise<Readonly<Record<string, string>>> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-own-'))
  try {
    const config = join(folder, 'sallyport.yaml')
    mkdirSync(join(folder, 'policy'))
    const resources = servers.map(({ database: _, ...server }) => ownResource(server)).join('')
    const identity = 'oidc: { issuer: "http://127.0.0.1:1", clientId: sallyport }'
    const head = `apiVersion: sallyport/v1\nidentity:\n  ${identity}\ngroups: [support]`
    writeFileSync(config, `${head}\nresources:\n${resources}policy: policy\n`)
    const pinned = await Promise.all(servers.map(({ name }) => pinTools(config, {}, name)))
    return Object.fromEntries(
      pinned.map(({ file }) => [file.slice(file.lastIndexOf('/') + 1), readFileSync(file, 'utf8')]),
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
