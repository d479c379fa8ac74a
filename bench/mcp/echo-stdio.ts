/**
 * The echo server on its standard streams, as unmodified MCP servers are. It ends when its standard input does.
 *
 *     node bench/mcp/echo-stdio.ts
 */
import { answer } from './echo.ts'
import { onLine } from './lines.ts'

onLine(process.stdin, (line) => {
  const said = answer(line)
  if (said !== undefined) process.stdout.write(`${said}\n`)
})
