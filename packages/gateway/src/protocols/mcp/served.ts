import { Classifier } from './classify.ts'
import { ToolComparison } from './live-tools.ts'
import type { McpResource } from './server-port.ts'

/** A resource with what is remembered of it. */
export interface Served {
  readonly server: McpResource
  readonly classifier: Classifier
  readonly comparison: ToolComparison
}

export function serve(server: McpResource): Served {
  const { tools } = server.resource
  return { server, classifier: new Classifier(tools), comparison: new ToolComparison(tools) }
}
