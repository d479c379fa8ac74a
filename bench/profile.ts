import type { Profiler } from 'node:inspector'

/** What a thread had allocated on its heap by a moment, freed bytes included. */
export interface HeapMark {
  readonly atUs: number
  readonly allocatedBytes: number
}

/** What the probe found in one thread. */
export interface ThreadReport {
  readonly name: string
  readonly marks: readonly HeapMark[]
  readonly profile: Profiler.Profile
}

/** A while on the monotonic clock. */
export interface Span {
  readonly fromUs: number
  readonly toUs: number
}

/** What a thread did while it was not idle, as the profiler's clock has it. */
export interface ThreadTimes {
  readonly name: string
  readonly busyUs: number
  readonly stages: ReadonlyMap<string, number>
  /** By `function file:line`, self time. */
  readonly functions: ReadonlyMap<string, number>
}

/** Which stage a source belongs to, first match; what is not listed belongs to whoever called it. */
const sources: readonly (readonly [RegExp, string])[] = [
  [/\/protocols\/postgres\/classif/, 'parse'],
  [/\/node_modules\/libpg-query\//, 'parse'],
  [/\/src\/policy\//, 'policy'],
  [/\/node_modules\/@cedar-policy\//, 'policy'],
  [/\/src\/pipeline\//, 'pipeline'],
  [/\/src\/masking\//, 'mask'],
  [/\/protocols\/postgres\/results\.ts$/, 'mask'],
  [/\/protocols\/mcp\/(results|base64-leaf)\.ts$/, 'mask'],
  // What an outcome says: counts, and the digest of what the client received.
  [/\/protocols\/postgres\/(permitted|payload)\.ts$/, 'record'],
  [/\/protocols\/mcp\/outcomes\.ts$/, 'record'],
  [/\/src\/trail\//, 'record'],
  [/\/src\/evidence\//, 'index'],
  [/\/protocols\/mcp\/codec\//, 'json'],
  [/\/protocols\/mcp\/classify\.ts$/, 'parse'],
  [/\/protocols\/mcp\/child\//, 'child'],
  [/\/protocols\/mcp\/(front|access|body|reply|request-headers)\.ts$/, 'http'],
  [/\/src\/app\/http\.ts$/, 'http'],
  [/^node:(_http|internal\/http)/, 'http'],
  [/\/src\/protocols\//, 'protocol'],
  [/\/src\/identity\//, 'token'],
  [/\/node_modules\/jose\//, 'token'],
  // On the way of a request the store is asked for nothing but logins and revocations.
  [/\/src\/storage\//, 'token'],
  [/\/node_modules\/kysely\//, 'token'],
  [/\/src\/app\/scrubbing\//, 'scrub'],
  [/\/gateway\/src\/(?!base\/|model\/)/, 'other'],
  [/^node:(net|tls|stream|internal\/(streams?\b|stream_base_commons|tls))/, 'sockets'],
  [/^node:(fs|internal\/fs)/, 'sync'],
]

/** Beginning and ending the profile shows in it. */
const probes = /^node:inspector|\/bench\/probe\.ts$/

/** Threads beside the main one do one thing each. */
const workers: readonly (readonly [RegExp, string])[] = [
  [/pars/, 'parse'],
  [/scrub/, 'scrub'],
  [/seque/, 'sequence'],
  [/index/, 'index'],
  [/^libuv/, 'sync'],
]

/** The stage of a thread that did nothing of ours: V8's own for collecting garbage and compiling, the pool that writes the trail. */
export function stageOfThread(name: string): string {
  return workers.find(([pattern]) => pattern.test(name))?.[1] ?? 'engine'
}

/** What a thread allocated per µs in a while. */
export function allocationRate({ marks }: ThreadReport, { fromUs, toUs }: Span): number {
  const inside = marks.filter(({ atUs }) => atUs >= fromUs && atUs <= toUs)
  const [first, last] = [inside[0], inside.at(-1)]
  if (first === undefined || last === undefined || first === last) return Number.NaN
  return (last.allocatedBytes - first.allocatedBytes) / (last.atUs - first.atUs)
}

/** Says what the time of a thread went into in a while. */
export function timesOf({ name, profile }: ThreadReport, span: Span): ThreadTimes {
  const own = workers.find(([pattern]) => pattern.test(name))?.[1]
  const parents = parentsOf(profile)
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]))
  const stages = new Map<string, number>()
  const functions = new Map<string, number>()
  let busyUs = 0
  const callersOf = (node: Profiler.ProfileNode): readonly Profiler.ProfileNode[] => {
    const caller = nodes.get(parents.get(node.id) ?? -1)
    return caller === undefined ? [node] : [node, ...callersOf(caller)]
  }
  for (const [id, timeUs] of selfTimes(profile, span)) {
    const node = nodes.get(id)
    if (node === undefined || isIdle(node)) continue
    const stack = callersOf(node)
    if (stack.some(({ callFrame }) => probes.test(callFrame.url))) continue
    busyUs += timeUs
    add(stages, own ?? stageOf(stack), timeUs)
    add(functions, describe(node, name), timeUs)
  }
  return { name, busyUs, stages, functions }
}

function isIdle({ callFrame }: Profiler.ProfileNode): boolean {
  return callFrame.functionName === '(idle)' || callFrame.functionName === '(root)'
}

/** @param stack the function at work, then its caller, and so on. */
function stageOf(stack: readonly Profiler.ProfileNode[]): string {
  const name = stack[0]?.callFrame.functionName
  if (name === '(garbage collector)') return 'engine'
  // Outside of JavaScript: the event loop's poll and read.
  if (name === '(program)') return 'sockets'
  for (const { callFrame } of stack) {
    const found = sources.find(([pattern]) => pattern.test(callFrame.url))
    if (found === undefined) continue
    // What is written to a server process.
    return found[1] === 'sockets' && stack.some(isChildSource) ? 'child' : found[1]
  }
  return 'other'
}

function isChildSource({ callFrame }: Profiler.ProfileNode): boolean {
  return /\/protocols\/mcp\/child\//.test(callFrame.url)
}

function describe({ callFrame }: Profiler.ProfileNode, thread: string): string {
  const { functionName, url, lineNumber } = callFrame
  const place = url.replace(/^.*\/(packages\/gateway\/src|node_modules)\//, '')
  const name = functionName === '' ? '(anonymous)' : functionName
  // What stands for the engine is told apart by its thread.
  return place === '' ? `${name} in ${thread}` : `${name} ${place}:${lineNumber + 1}`
}

function parentsOf({ nodes }: Profiler.Profile): ReadonlyMap<number, number> {
  return new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)))
}

/** `timeDeltas[i]` lies before sample i, so it is the time of sample i - 1. */
function selfTimes(profile: Profiler.Profile, { fromUs, toUs }: Span): ReadonlyMap<number, number> {
  const { samples = [], timeDeltas = [], startTime } = profile
  const times = new Map<number, number>()
  let atUs = startTime
  for (const [index, id] of samples.entries()) {
    atUs += timeDeltas[index] ?? 0
    if (atUs >= fromUs && atUs < toUs) add(times, id, Math.max(0, timeDeltas[index + 1] ?? 0))
  }
  return times
}

function add<K>(sums: Map<K, number>, key: K, value: number): void {
  sums.set(key, (sums.get(key) ?? 0) + value)
}
