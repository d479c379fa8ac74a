/** DBHub of Bytebase, unmodified: an MCP server that runs whatever SQL a model writes. It connects at its start, before anybody calls it. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CLI } from '../demo/boundary.ts'
import { startPostgres } from '../packages/gateway/testkit/postgres.ts'
import { outsideFolder, run } from './outside.ts'

/** It takes its database's address from a variable of its own. */
export async function dbhubResource(
  environment = '{ DSN: "${DATABASE_URL}" }',
  more = 'database: cards',
): Promise<string> {
  const modules = join(await outsideFolder(), 'node_modules')
  return `  - name: dbhub
    zone: cde
    mcp:
      command: [node, "${join(modules, '@bytebase/dbhub/dist/index.js')}"]
      code: ["${modules}"]
      environment: ${environment}
      ${more}
`
}

/** What policy may name of it: its tools as `sallyport mcp pin` finds them, with an empty database to connect to. */
export async function dbhubPins(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-dbhub-'))
  const { host, port, user, password, stop } = await startPostgres({
    ...{ user: 'nobody', password: 'nothing', database: 'empty', sql: 'select 1' },
  })
  try {
    const dsn = `postgresql://${user}:${password}@${host}:${port}/empty?sslmode=disable`
    const config = join(folder, 'sallyport.yaml')
    mkdirSync(join(folder, 'policy'))
    writeFileSync(
      config,
      `apiVersion: sallyport/v1
identity:
  oidc: { issuer: "http://127.0.0.1:1", clientId: sallyport }
groups: [support]
resources:
${await dbhubResource(`{ DSN: "${dsn}" }`, 'isolation: none')}policy: policy
`,
    )
    await run(process.execPath, [...process.execArgv, CLI, 'mcp', 'pin', 'dbhub', '-c', config], folder)
    return readFileSync(join(folder, 'policy/dbhub.tools.json'), 'utf8')
  } finally {
    await stop()
    rmSync(folder, { recursive: true, force: true })
  }
}
