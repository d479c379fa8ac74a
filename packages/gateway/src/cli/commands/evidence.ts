import { resolve } from 'node:path'
import type { Command } from 'commander'
import { EVIDENCE_HEADERS, type EntitlementList, type EntitlementView, type EvidenceRequest } from '#api'
import type { Context } from '../context.ts'
import { requireEmpty, unpackEvidence } from '../evidence-folder.ts'
import { CommandError, EXIT } from '../exit-codes.ts'
import { print, table, utc } from '../output.ts'
import { parseIso } from '../times.ts'

interface BuildOptions {
  readonly from: string
  readonly to: string
  readonly output: string
  readonly disclose: string
}

/** `evidence build` and `entitlements`: what an assessor asks for. */
export function evidenceCommands(program: Command, context: Context): void {
  const evidence = program.command('evidence').description('Build what an assessor takes away')
  evidence
    .command('build')
    .description('write the evidence of a period into a folder; sallyport-verify checks it (is on record itself)')
    .requiredOption('--from <time>', 'a day (2026-11-01, from its beginning) or an ISO time; UTC')
    .requiredOption('--to <time>', 'a day (2026-11-22, with all of it) or an ISO time; UTC')
    .requiredOption('-o, --output <folder>', 'a folder that is new or empty')
    .option('--disclose <none|statements>', 'also open every exact statement of the period (needs openPayload)', 'none')
    .action((options: BuildOptions) => build(context, options))
  program
    .command('entitlements')
    .description('Show who may do what, for which business need, under whose approval, and when it was last used')
    .option('--tool <server/tool>', 'who may call it, and what it may do')
    .option('--identity <person>', 'what they may do, by name, e-mail or id')
    .action((options: { tool?: string; identity?: string }) => entitlements(context, options))
}

async function build(context: Context, { from, to, output, disclose }: BuildOptions): Promise<void> {
  const folder = resolve(context.cwd, output)
  await requireEmpty(folder)
  if (disclose !== 'none' && disclose !== 'statements')
    throw new CommandError(EXIT.usage, '--disclose takes none or statements')
  const request: EvidenceRequest = { fromMs: startOf(from), toMs: endOf(to), disclose }
  if (request.fromMs > request.toMs) throw new CommandError(EXIT.usage, '--from must not be after --to')
  const response = await context.api().send('POST', '/evidence', request)
  if (response.body === null) throw new CommandError(EXIT.upstream, 'the answer has no content')
  const manifest = response.headers.get(EVIDENCE_HEADERS.manifest)
  const files = await unpackEvidence(response.body, folder, manifest)
  const ref = response.headers.get(EVIDENCE_HEADERS.ref)
  const answer = { apiVersion: 'sallyport/v1', kind: 'EvidencePack', folder, files, manifestSha256: manifest, ref }
  print(context.output, answer, () => `${files} files in ${folder} [ref ${ref ?? ''}]`)
  context.output.talk(`check it with: npx --no-install sallyport-verify ${output}`)
}

const DAY = /^\d{4}-\d{2}-\d{2}$/
const DAY_MS = 86_400_000

function startOf(text: string): number {
  const at = parseIso(text)
  if (at === undefined) throw new CommandError(EXIT.usage, `${JSON.stringify(text)} is neither a day nor an ISO time`)
  return at
}

function endOf(text: string): number {
  return DAY.test(text) ? startOf(text) + DAY_MS - 1 : startOf(text)
}

async function entitlements(context: Context, { tool, identity }: { tool?: string; identity?: string }): Promise<void> {
  const answer = await context.api().get<EntitlementList>('/entitlements', { tool, identity })
  if (answer.entitlements.length === 0 && !context.output.json) context.output.talk('no policy permits anything here')
  if (answer.groups?.ref !== undefined)
    context.output.talk(`groups as record ${answer.groups.ref} has them: ${answer.groups.names.join(', ')}`)
  print(context.output, answer, () => table(HEADS, answer.entitlements.map(row)))
}

const HEADS = ['WHO', 'MAY', 'ON', 'IF', 'APPROVAL', 'NEED', 'OWNER', 'POLICY', 'LAST USE']

function row(entitlement: EntitlementView): readonly string[] {
  const {
    principal,
    action,
    resource,
    conditions = '',
    approval,
    approvals,
    need,
    owner,
    policy,
    lastUse,
  } = entitlement
  const asked = approval === 'never' ? '' : `${approval}: ${approvals.map(({ approvers }) => approvers).join('; ')}`
  const used = lastUse === undefined ? 'never' : `${utc(lastUse.timeMs)} [${lastUse.ref}]`
  return [principal, action, resource, cut(conditions), asked, need, owner, policy, used]
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}
