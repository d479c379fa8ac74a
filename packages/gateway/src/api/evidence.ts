import { type Context, Hono } from 'hono'
import { GatewayError } from '#model'
import { ApiRefusal, authorize, recordOwn } from './access.ts'
import type { ApiEnvironment } from './environment.ts'
import { EVIDENCE_HEADERS, evidenceBody } from './evidence-contract.ts'
import { parseBody } from './input.ts'
import type { ApiServices, BuiltEvidence } from './services.ts'

/** Routes that build evidence. */
export function evidenceRoutes(services: ApiServices): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>()
  routes.post('/', (context) => build(services, context))
  return routes
}

/**
 * Builds the evidence of a period and answers with it as an archive. That it was asked for, that payloads are disclosed, and that it was built and
 * what it is are each on record before the next step; nothing is handed over that is not on record.
 */
async function build(services: ApiServices, context: Context<ApiEnvironment>): Promise<Response> {
  const { fromMs, toMs, disclose } = await parseBody(context, evidenceBody)
  const { caller } = context.var
  const details = { from_ms: fromMs, to_ms: toMs, disclose }
  await authorize(services, caller, { action: 'exportEvidence', activity: 'export-evidence', details })
  if (disclose !== 'none')
    await authorize(services, caller, { action: 'openPayload', activity: 'open-payload', details })
  const by = caller.identity.id
  const order = { fromMs, toMs, disclosed: disclose, by, atMs: services.clock.nowMs() }
  const pack = await services.evidence.build(order).catch((error: unknown) => {
    if (error instanceof GatewayError && error.code === 'SP_API_NOT_FOUND')
      throw new ApiRefusal(error.code, 'there are no records in that time')
    throw error
  })
  try {
    const { manifestSha256, records } = pack
    const facts = { ...details, manifest: manifestSha256, first: records.first, last: records.last, files: pack.files }
    const ref = await recordOwn(services, caller, 'evidence-build', facts)
    context.header('Content-Type', 'application/x-tar')
    context.header(EVIDENCE_HEADERS.ref, ref)
    context.header(EVIDENCE_HEADERS.manifest, manifestSha256)
    return context.body(streamOf(pack))
  } catch (error) {
    await pack.dispose()
    throw error
  }
}

/** The archive as it is taken; whatever ends the taking removes what was built. */
function streamOf(pack: BuiltEvidence): ReadableStream<Uint8Array<ArrayBuffer>> {
  const archive = pack.archive()[Symbol.asyncIterator]()
  return new ReadableStream({
    async pull(controller) {
      try {
        const next = await archive.next()
        if (next.done === true) {
          await pack.dispose()
          controller.close()
        } else controller.enqueue(new Uint8Array(next.value))
      } catch (error) {
        await pack.dispose()
        controller.error(error)
      }
    },
    async cancel() {
      await archive.return?.()
      await pack.dispose()
    },
  })
}
