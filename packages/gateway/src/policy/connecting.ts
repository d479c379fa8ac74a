/**
 * Whether the child of an MCP server may open a connection in somebody's name. Which of its tools will use it is not known then, so it may
 * if one of them might; each statement is decided again, with the tool that it is for.
 */
import type { Decision, Identity, ViaLink } from '#model'
import type { Answers } from './answers.ts'
import type { Catalog, CatalogResource, CatalogTool } from './catalog.ts'
import { buildVia } from './entities.ts'
import type { Circumstances } from './facts.ts'
import { connectQuestion } from './questions.ts'
import { denied } from './verdict.ts'

/** A child that wants to connect. */
export interface Connecting {
  readonly identity: Identity
  readonly database: CatalogResource
  readonly via: ViaLink
  readonly circumstances: Circumstances
}

const rank: Readonly<Record<Decision['outcome'], number>> = { allow: 2, hold: 1, deny: 0 }

/** The best of the answers for the server alone and for each of its tools. */
export function decideVia(connecting: Connecting, catalog: Catalog, answers: Answers, policyHash: string): Decision {
  const { identity, database, via, circumstances } = connecting
  const server = catalog.servers.get(via.server)
  if (server === undefined)
    return denied('SP_POLICY_DENIED', 'the policy in force knows no such MCP server', policyHash)
  if (database.kind !== 'database')
    return denied('SP_POLICY_DENIED', 'an MCP server is not reached through another', policyHash)
  const question = connectQuestion(database)
  const ask = (tool: CatalogTool | undefined): Decision =>
    answers.ask([question], buildVia(identity, server, tool, catalog), circumstances).decision
  let best = ask(undefined)
  for (const name of via.tools) {
    if (best.outcome === 'allow') return best
    const tool = server.tools.get(name)
    if (tool === undefined || !answers.namesTool(tool.entity)) continue
    const answer = ask(tool)
    if (rank[answer.outcome] > rank[best.outcome]) best = answer
  }
  return best
}
