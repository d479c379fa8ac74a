/** One running MCP server of one caller: turns, one call in each, and an end. */
import { type Bytes, toUtf8 } from '#base'
import { GatewayError, type RunningCall } from '#model'
import type { CallRequest, LiveTool, ServerAnswer, ToolServerProcess, Turn } from '../server-port.ts'
import type { Conversation, Sent } from './conversation.ts'
import type { SandboxedProcess } from './isolation/sandbox.ts'
import { Lane } from './lane.ts'
import { readTools } from './read-tools.ts'

/** What a child is made of. */
export interface ChildParts {
  readonly childId: string
  readonly process: SandboxedProcess
  readonly conversation: Conversation
  readonly initialize: Bytes
  readonly tools: readonly LiveTool[]
  /** Told when it has listed its tools again. */
  readonly listed: (tools: readonly LiveTool[]) => Promise<void>
  /** Calls that may wait. */
  readonly queue: number
}

/** There is no turn, because the child is still stopping a call; a second child can have one. */
export class NoTurn extends Error {
  override readonly name = 'NoTurn'
}

/** After it was told to stop a call, it must have answered it by then, or it is ended. */
const CANCEL_GRACE_MS = 5_000
/** After its standard input was closed, it must have ended by then, or it is killed. */
const END_GRACE_MS = 2_000
/** A list of tools is not read again sooner, unless somebody calls one. */
const REFRESH_EVERY_MS = 1_000
const REFRESH_TIMEOUT_MS = 10_000

/** A running child. Owned by the supervisor, which is told of its end. */
export class ToolChild implements ToolServerProcess {
  readonly childId: string
  readonly initialize: Bytes
  /** Aborted, with a `GatewayError` as reason, when no more calls are taken. */
  readonly over: AbortSignal
  readonly #over = new AbortController()
  readonly #process: SandboxedProcess
  readonly #conversation: Conversation
  readonly #lane: Lane
  readonly #listed: ChildParts['listed']
  #tools: readonly LiveTool[]
  #running: RunningCall | undefined
  #listener: ((message: Bytes) => void) | undefined
  #isStale = false
  /** Aborted when those who wait had better go elsewhere; then replaced. */
  #turningAway = new AbortController()
  #isStopping = false
  #refreshing: NodeJS.Timeout | undefined

  constructor(parts: ChildParts) {
    this.childId = parts.childId
    this.initialize = parts.initialize
    this.over = this.#over.signal
    this.#process = parts.process
    this.#conversation = parts.conversation
    this.#lane = new Lane(parts.queue)
    this.#tools = parts.tools
    this.#listed = parts.listed
  }

  get tools(): readonly LiveTool[] {
    return this.#tools
  }

  /** Whether no call is under way. */
  get isIdle(): boolean {
    return this.#lane.isFree
  }

  /** Whether it was told to stop a call and has not yet said that it did. */
  get isStopping(): boolean {
    return this.#isStopping
  }

  /** The call under way, also when its caller has gone and the child has not stopped yet. */
  running(): readonly RunningCall[] {
    return this.#running === undefined ? [] : [this.#running]
  }

  /** As the port says; @throws {NoTurn} when it is busy stopping a call. */
  async turn(signal: AbortSignal): Promise<Turn> {
    if (this.#isStopping) throw new NoTurn()
    const leave = await this.#lane.enter(signal, this.over, this.#turningAway.signal)
    try {
      if (this.#isStale) await this.#refresh()
      signal.throwIfAborted()
    } catch (error) {
      leave()
      throw error
    }
    let isUsed = false
    return {
      tools: this.#tools,
      call: async (request, until) => {
        isUsed = true
        return await this.#call(request, until, leave)
      },
      [Symbol.dispose]: () => {
        if (!isUsed) leave()
      },
    }
  }

  async #call(request: CallRequest, signal: AbortSignal, leave: () => void): Promise<ServerAnswer> {
    let isDrained = true
    try {
      signal.throwIfAborted()
      if (request.tool !== undefined) this.#running = { tool: request.tool, sequence: request.sequence }
      this.#listener = request.onNotification
      const sent = this.#conversation.request(request.method, request.params)
      const isAnswered = await isAnsweredBefore(sent, signal)
      this.#listener = undefined
      if (isAnswered) return await sent.answer
      isDrained = false
      void this.#stop(sent, signal.reason).then(() => {
        this.#free(leave)
      })
      signal.throwIfAborted()
      return await sent.answer
    } finally {
      if (isDrained) this.#free(leave)
    }
  }

  /** A notification that it sent. */
  notified(method: string, message: Bytes): void {
    if (method === 'notifications/tools/list_changed') this.#toolsChanged()
    else if (method === 'notifications/progress' || method === 'notifications/message') this.#listener?.(message)
  }

  /** Takes no more calls and answers none that waits. What it is doing is stopped by `end` or `kill`. */
  close(fault: GatewayError): void {
    if (this.over.aborted) return
    clearTimeout(this.#refreshing)
    this.#over.abort(fault)
    this.#conversation.end(fault)
  }

  /** Ends it in good order, by closing its standard input; after a while by force. MCP, stdio: "First, closing the input stream". */
  async end(fault: GatewayError): Promise<void> {
    this.close(fault)
    this.#process.stdin.end()
    const late = setTimeout(() => {
      this.#process.kill()
    }, END_GRACE_MS)
    await this.#process.gone
    clearTimeout(late)
  }

  /** Ends it at once. */
  async kill(fault: GatewayError): Promise<void> {
    this.close(fault)
    this.#process.kill()
    await this.#process.gone
  }

  #free(leave: () => void): void {
    this.#running = undefined
    leave()
  }

  /**
   * Tells it that nobody wants the answer any more, and waits until it has stopped. One that does not say so (MCP, Cancellation: "Receivers …
   * SHOULD … not send a response") may still be at work, and what it then asks of the database would pass for the next call's: it is killed.
   */
  async #stop(sent: Sent, why: unknown): Promise<void> {
    this.#isStopping = true
    this.#turningAway.abort(new NoTurn())
    this.#turningAway = new AbortController()
    const isLate = why instanceof GatewayError && why.code === 'SP_TOOL_TIMEOUT'
    const params = { requestId: sent.id, reason: isLate ? 'timeout' : 'cancelled' }
    this.#conversation.notify('notifications/cancelled', toUtf8(JSON.stringify(params)))
    const late = setTimeout(() => {
      void this.kill(new GatewayError('SP_TOOL_SERVER_FAILED', 'it did not stop a call that was cancelled'))
    }, CANCEL_GRACE_MS)
    await sent.answer.catch(() => undefined)
    clearTimeout(late)
    this.#isStopping = false
  }

  #toolsChanged(): void {
    this.#isStale = true
    this.#refreshing ??= setTimeout(() => {
      this.#refreshing = undefined
      void this.#refreshInTurn()
    }, REFRESH_EVERY_MS).unref()
  }

  async #refreshInTurn(): Promise<void> {
    try {
      const leave = await this.#lane.enter(this.over)
      try {
        if (this.#isStale) await this.#refresh()
      } finally {
        leave()
      }
    } catch (error) {
      // The lane is full: whoever is next in it reads the list first.
      if (!(error instanceof GatewayError)) throw error
    }
  }

  /** Reads its tools again; until then nobody calls one. @throws {GatewayError} `SP_TOOL_SERVER_FAILED`, and then it is ended. */
  async #refresh(): Promise<void> {
    const late = setTimeout(() => {
      void this.kill(new GatewayError('SP_TOOL_SERVER_FAILED', 'it did not list its tools in time'))
    }, REFRESH_TIMEOUT_MS)
    this.#isStale = false
    try {
      const tools = await readTools(this.#conversation)
      await this.#listed(tools)
      this.#tools = tools
    } catch (error) {
      const fault = error instanceof GatewayError ? error : new GatewayError('SP_TOOL_SERVER_FAILED')
      void this.kill(fault)
      throw fault
    } finally {
      clearTimeout(late)
    }
  }
}

/** Waits for the answer or the signal; whether it was the answer that came first. */
async function isAnsweredBefore(sent: Sent, signal: AbortSignal): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const stop = (): void => {
    resolve(false)
  }
  signal.addEventListener('abort', stop, { once: true })
  const answered = (): void => {
    resolve(true)
  }
  sent.answer.then(answered, answered)
  const isAnswered = await promise
  signal.removeEventListener('abort', stop)
  return isAnswered
}
