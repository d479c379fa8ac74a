import type { Command } from 'commander'
import type { RequestFacts, RequestList, RequestView } from '#api'
import type { Context } from '../context.ts'
import { CommandError, EXIT } from '../exit-codes.ts'
import { print, table, utc } from '../output.ts'
import { argumentsOf, payloadMembers } from '../payload-text.ts'
import { readReference } from '../reference.ts'

interface ListOptions {
  readonly all?: boolean
  readonly mine?: boolean
  readonly status?: string
  readonly limit: string
}

/** `requests`, `show`, `approve`, `deny`: what waits for an approval, and answering it. */
export function requestCommands(program: Command, context: Context): void {
  program
    .command('requests')
    .description('Show what waits for an approval: yours, and what you may answer')
    .option('--all', 'also those that are answered or over')
    .option('--mine', 'only your own, however they stand')
    .option('--status <open|approved|denied|expired|used>')
    .option('--limit <n>', 'at most this many', '100')
    .action((options: ListOptions) => list(context, options))
  program
    .command('show <ref>')
    .description('Show a request: who asks, what exactly, why it was held, who must answer (is on record itself)')
    .action((ref: string) => show(context, ref))
  program
    .command('approve <ref>')
    .description('Approve exactly what the request shows; it may then be run once')
    .option('--reason <text>', 'for the record, for instance a ticket')
    .action((ref: string, options: { reason?: string }) => answer(context, ref, 'approve', options.reason ?? ''))
  program
    .command('deny <ref>')
    .description('Deny a request; one denial ends it')
    .requiredOption('--reason <text>', 'what the requester is to know')
    .action((ref: string, options: { reason: string }) => answer(context, ref, 'deny', options.reason))
}

async function list(context: Context, { all, mine, status, limit }: ListOptions): Promise<void> {
  const isEveryState = all === true || mine === true
  const answer = await context.api().get<RequestList>('/requests', {
    status: status ?? (isEveryState ? undefined : 'open'),
    mine: mine === true ? 'true' : undefined,
    limit,
  })
  const { requests, names } = answer
  if (requests.length === 0 && !context.output.json) context.output.talk('nothing waits for an approval here')
  print(context.output, answer, () =>
    table(
      HEADS,
      requests.map((request) => row(request, names)),
    ),
  )
}

const HEADS = ['REF', 'OPENED', 'WHO', 'RESOURCE', 'WHAT', 'STATUS', 'STILL NEEDS', 'UNTIL', 'YOU']

function row(request: RequestFacts, names: RequestList['names']): readonly string[] {
  const { ref, openedAtMs, expiresAtMs, status, missing, mayAnswer } = request
  const isPending = status === 'open' || status === 'approved'
  return [
    ref,
    utc(openedAtMs),
    whoText(request, names),
    whereText(request),
    cut(request.template === '' ? request.verb : request.template, 48),
    status,
    status === 'open' ? missing : '',
    isPending ? utc(expiresAtMs) : '',
    mayAnswer ? 'may answer' : '',
  ]
}

async function show(context: Context, ref: string): Promise<void> {
  const answer = await context.api().get<RequestView>(`/requests/${readReference(ref)}`)
  print(context.output, answer, () => requestText(answer))
}

async function answer(context: Context, ref: string, given: 'approve' | 'deny', reason: string): Promise<void> {
  const response = await context.api().send('POST', `/requests/${readReference(ref)}/${given}`, { reason })
  const view = (await response.json()) as RequestView
  const { request, names } = view
  print(context.output, view, () => answeredText(request, names))
  // A script can tell that the answer counts and is not yet enough.
  if (request.status === 'open')
    throw new CommandError(EXIT.pending, `your approval is on record; ${request.ref} still needs ${request.missing}`)
}

function answeredText(request: RequestFacts, names: RequestView['names']): string {
  const { ref, status, expiresAtMs } = request
  const who = whoText(request, names)
  if (status === 'approved') return `${ref}  approved: ${who} may run exactly this once, until ${utc(expiresAtMs)}`
  return `${ref}  ${status}`
}

function requestText({ request, names, payload }: RequestView): string {
  const { ref, status, missing, mayAnswer } = request
  return [
    `${ref}  ${status}  ${clockText(request)}`,
    `  who        ${whoText(request, names)} (${chainText(request)})`,
    `  on         ${whereText(request)}`,
    `  held       ${request.reason}`,
    `  by         ${request.policies.join(', ')} (policy ${request.policyHash.slice(0, 12)})`,
    `  needs      ${request.need}${status === 'open' ? `; still ${missing}` : ''}`,
    ...exactText(payload).map((line) => `  ${line}`),
    ...request.answers.map((each) => `  ${answerText(each, names)}`),
    `  records    ${request.records.join(', ')}`,
    ...(mayAnswer ? [`  answer     sallyport approve ${ref}  or  sallyport deny ${ref} --reason "…"`] : []),
  ].join('\n')
}

/** The clocks are told apart: until when it can be answered, and until when it can be used. */
function clockText({ status, openedAtMs, expiresAtMs, usedAtMs }: RequestFacts): string {
  const opened = `opened ${utc(openedAtMs)}`
  switch (status) {
    case 'open':
      return `${opened}, to be answered by ${utc(expiresAtMs)}`
    case 'approved':
      return `${opened}, to be used by ${utc(expiresAtMs)}`
    case 'used':
      return `${opened}, used ${utc(usedAtMs ?? 0)}`
    case 'denied':
    case 'expired':
      return opened
    default:
      return status satisfies never
  }
}

/** What exactly was asked, line by line, as it was written. */
function exactText(payload: string | undefined): readonly string[] {
  if (payload === undefined) return ['what       is not shown here any more']
  const { statement, parameters, prepared, fetch, tool, definition } = payloadMembers(payload)
  if (typeof statement === 'string') {
    const given = Array.isArray(parameters) ? parameters : []
    return [
      `statement  ${indented(statement)}`,
      ...(prepared === true ? ['way        prepared only: running it asks again'] : []),
      ...(fetch === true ? ['way        more rows of what was bound before'] : []),
      ...given.map((value, index) => `${`$${index + 1}`.padEnd(9)}  ${indented(JSON.stringify(value))}`),
    ]
  }
  if (typeof tool === 'string') {
    return [
      `tool       ${tool}`,
      `definition ${typeof definition === 'string' ? definition : ''}`,
      `arguments  ${indented(argumentsOf(payload) ?? payload)}`,
    ]
  }
  return [`what       ${indented(payload)}`]
}

function indented(text: string): string {
  return text.replaceAll('\n', `\n${' '.repeat(13)}`)
}

function answerText(
  { identityId, answer: given, groups, reason, atMs }: RequestFacts['answers'][number],
  names: RequestView['names'],
): string {
  const did = given === 'approve' ? 'approved' : 'denied'
  const why = reason === '' ? '' : `: ${JSON.stringify(reason)}`
  return `${did.padEnd(9)}  ${names[identityId] ?? identityId} (${groups.join(', ')}) ${utc(atMs)}${why}`
}

function whoText({ identityId, agentId, agentName }: RequestFacts, names: RequestList['names']): string {
  const person = names[identityId] ?? identityId
  return agentId === undefined ? person : `${person} via ${agentName ?? agentId}`
}

/** The chain by its ids, which are what records carry. */
function chainText({ identityId, agentId }: RequestFacts): string {
  return agentId === undefined ? identityId : `${identityId} via ${agentId}`
}

function whereText({ resource, server, tool }: RequestFacts): string {
  if (server === undefined) return resource
  return `${resource} through ${server}${tool === undefined ? '' : `/${tool}`}`
}

function cut(text: string, length: number): string {
  const line = text.replaceAll(/[ \t\n]+/g, ' ')
  return line.length <= length ? line : `${line.slice(0, length - 3)}...`
}
