import type { Family, Job } from '../family.ts'
import { findProgram, missing } from '../programs.ts'
import { waysOf } from './arms.ts'
import type { Tool } from './call.ts'

const jobs: readonly Job<Tool>[] = [
  { name: 'mcp-150', request: 'echo', clients: [1, 8, 32], profiledClients: 8 },
  { name: 'mcp-150-args', request: 'pay', clients: [1, 8, 32], profiledClients: 8 },
]

/** The jobs with MCP. */
export const mcpFamily: Family<Tool> = {
  jobs,
  prepare: () => {
    const nginx = findProgram('nginx')
    if (nginx === undefined) throw missing({ nginx }, 'apt-get install nginx')
    return { open: (ground) => Promise.resolve(waysOf(nginx, ground)) }
  },
}
