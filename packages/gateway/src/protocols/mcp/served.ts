import { Classifier } from './classify.ts'
import { ToolComparison } from './live-tools.ts'
import type { McpResource } from './server-port.ts'

const known = new WeakMap<McpResource, Served>()

/** A resource with what is remembered of it. */
export interface Served {
  readonly server: McpResource
  readonly classifier: Classifier
  readonly comparison: ToolComparison
}

/** What is remembered of a resource as it is pinned now. */
export function serve(server: McpResource): Served {
  const { tools } = server.resource
  const served = known.get(server) ?? {
    server,
    classifier: new Classifier(tools),
    comparison: new ToolComparison(tools),
  }
  known.set(server, served)
  return served
}
