/** A process that keeps a child as a gateway does, for a test that kills it. Arguments: kind of isolation, a name for what the child forks. */
import type { IsolationKind } from '../isolation/sandbox.ts'
import { callTool, testCaller, testServer } from '../../../../../testkit/tool-server.ts'
import { startServers } from './servers.ts'

const [kind, name = ''] = process.argv.slice(2)
const started = await startServers(kind as IsolationKind)
if (typeof started === 'string') throw new Error(started)
const child = await started.servers.take(testCaller('alice'), testServer())
await callTool(child, 'daemon', { text: name })
process.stdout.write(`ready ${started.runFolder}\n`)
setInterval(() => undefined, 1_000)
