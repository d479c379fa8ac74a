/** Beside a child from its first word to its last: hears it, watches it, and has it ended when it does what it may not. */
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { type Bytes, type Clock, fromUtf8, toUtf8 } from '#base'
import { GatewayError, type Log } from '#model'
import { isObject, membersOf, type Span, textOf } from '../codec/index.ts'
import type { LiveTool, McpResource } from '../server-port.ts'
import { LEGACY_VERSIONS } from '../versions.ts'
import { Conversation, type Listener } from './conversation.ts'
import type { SandboxedProcess, SandboxLimits } from './isolation/sandbox.ts'
import { watch } from './isolation/watch.ts'
import { readTools } from './read-tools.ts'
import { StrayLines } from './stray-lines.ts'
import { ToolChild } from './tool-child.ts'

/** Where a child is put once it has introduced itself, for whoever was there before it. */
export interface ChildHolder {
  child?: ToolChild
}

/** Whom it attends. */
export interface Attended {
  readonly childId: string
  readonly server: McpResource
  readonly limits: SandboxLimits
  /** Told each time that it has listed its tools; they are not used before it is done. */
  readonly listed: (tools: readonly LiveTool[]) => Promise<void>
}

/** What it works with. */
export interface AttendantPorts {
  readonly clock: Clock
  readonly log: Log
  /** What we say of ourselves. */
  readonly version: string
}

/** The revision that we speak to servers. */
const VERSION = '2025-11-25'
/** Those that a server may answer with: what we use has been the same since the first. */
const UNDERSTOOD = [...LEGACY_VERSIONS, '2024-11-05']
/** From the end of a process to the end of what it had said. */
const LAST_WORDS_MS = 1_000

/** One child's attendant. */
export class Attendant implements Listener {
  readonly #process: SandboxedProcess
  readonly #attended: Attended
  readonly #ports: AttendantPorts
  readonly #words: StrayLines
  readonly #conversation: Conversation
  #child: ToolChild | undefined

  constructor(process: SandboxedProcess, attended: Attended, ports: AttendantPorts) {
    this.#process = process
    this.#attended = attended
    this.#ports = ports
    const { server, limits } = attended
    this.#words = new StrayLines(
      (line) => {
        ports.log.warn('mcp.server.said', { ...this.#facts(), line })
      },
      () => ports.clock.monotonicMs(),
    )
    process.stderr.on('data', (chunk: Bytes) => {
      this.#words.take(chunk)
    })
    this.#conversation = new Conversation(process, { answerBytes: server.settings.limits.outputBytes }, this)
    watch(process, limits, {
      isAtRest: () => this.#child?.isIdle ?? false,
      tell: (why) => {
        this.#fail(why)
      },
    })
    void process.gone.then((how) => this.#ended(how))
  }

  /**
   * Speaks with it as MCP wants at the beginning, and asks for all its tools. What does not answer in time, or wrongly, is killed.
   *
   * @throws {GatewayError} `SP_TOOL_SERVER_FAILED`.
   */
  async introduce(holder: ChildHolder): Promise<ToolChild> {
    const { childId, server, listed } = this.#attended
    const { startSeconds, queue } = server.settings.limits
    const began = this.#ports.clock.monotonicMs()
    const late = setTimeout(() => {
      this.#fail(`it did not introduce itself within ${startSeconds} seconds`)
    }, startSeconds * 1_000)
    const conversation = this.#conversation
    try {
      const initialize = await handshake(conversation, this.#ports.version)
      const tools = hasTools(initialize) ? await readTools(conversation) : []
      await listed(tools)
      const child = new ToolChild({ childId, process: this.#process, conversation, initialize, tools, queue, listed })
      this.#child = child
      holder.child = child
      const ms = Math.round(this.#ports.clock.monotonicMs() - began)
      this.#ports.log.info('mcp.server.started', { ...this.#facts(), tools: tools.length, ms })
      return child
    } catch (error) {
      this.#process.kill()
      throw error
    } finally {
      clearTimeout(late)
    }
  }

  notified(method: string, message: Bytes): void {
    this.#child?.notified(method, message)
  }

  said(line: Bytes): void {
    this.#words.line(fromUtf8(line))
  }

  broken(fault: GatewayError): void {
    this.#ports.log.error('mcp.server.broken', { ...this.#facts(), why: fault.message })
    if (this.#child === undefined) this.#process.kill()
    else void this.#child.kill(fault)
  }

  #fail(why: string): void {
    const fault = new GatewayError('SP_TOOL_SERVER_FAILED', why)
    this.#conversation.end(fault)
    this.broken(fault)
  }

  /** What it said last is heard before whoever waits for an answer is told that there is none. */
  async #ended(how: string): Promise<void> {
    const { stdout } = this.#process
    const closed = once(stdout, 'close').catch(() => undefined)
    if (!stdout.closed) await Promise.race([closed, delay(LAST_WORDS_MS, undefined, { ref: false })])
    this.#words.end()
    const fault = new GatewayError('SP_TOOL_SERVER_FAILED', `the server ended: ${how}`)
    this.#conversation.end(fault)
    this.#child?.close(fault)
  }

  #facts(): { readonly resource: string; readonly child: string } {
    return { resource: this.#attended.server.resource.name, child: this.#attended.childId }
  }
}

/** MCP 2025-11-25, Lifecycle, Initialization. Answers what the server said, as it said it. */
async function handshake(conversation: Conversation, version: string): Promise<Bytes> {
  const clientInfo = { name: 'sallyport', version }
  const params = toUtf8(JSON.stringify({ protocolVersion: VERSION, capabilities: {}, clientInfo }))
  const answer = await conversation.request('initialize', params).answer
  const whole: Span = { start: 0, end: answer.value.length }
  if (answer.kind === 'error' || !isObject(answer.value, whole)) {
    throw new GatewayError('SP_TOOL_SERVER_FAILED', 'it refuses to be initialized')
  }
  const protocol = textOf(answer.value, membersOf(answer.value, whole).get('protocolVersion'))
  if (protocol === undefined || !UNDERSTOOD.includes(protocol)) {
    throw new GatewayError('SP_TOOL_SERVER_FAILED', `it does not speak MCP ${VERSION}`)
  }
  conversation.notify('notifications/initialized')
  return answer.value
}

function hasTools(initialize: Bytes): boolean {
  const capabilities = membersOf(initialize, { start: 0, end: initialize.length }).get('capabilities')
  return (
    capabilities !== undefined && isObject(initialize, capabilities) && membersOf(initialize, capabilities).has('tools')
  )
}
