/** What the supervisor knows of one child: whose it is, who uses it, and until when. */
import { GatewayError, type Session } from '#model'
import type { Caller, LiveTool, ToolServerProcess, Turn } from '../server-port.ts'
import type { StartedChild } from './start-child.ts'
import { NoTurn } from './tool-child.ts'

/** What one is made for. */
export interface KeptOptions {
  readonly key: string
  readonly slot: number
  readonly idleMs: number
  /** A call was answered. */
  readonly worked: () => void
  /** Waits for a turn at another child of the same caller. */
  readonly elsewhere: (caller: Caller, signal: AbortSignal) => Promise<Turn>
}

/** One child, from before its start. Owned by the supervisor. */
export class KeptChild {
  readonly key: string
  readonly slot: number
  readonly identityId: string
  readonly #options: KeptOptions
  /** Sessions that use it, the newest last. */
  readonly #callers = new Map<string, Caller>()
  /** Once nobody is left it still needs to say whose it was. */
  #caller: Caller
  #started: StartedChild | undefined
  #fault: GatewayError | undefined
  /** Turns that are had or waited for. */
  #uses = 0
  #idle: NodeJS.Timeout | undefined
  #idleMs: number

  constructor(caller: Caller, options: KeptOptions) {
    this.key = options.key
    this.slot = options.slot
    this.identityId = caller.session.identity.id
    this.#caller = caller
    this.#options = options
    this.#idleMs = options.idleMs
    this.join(caller)
  }

  /** Whether it takes no calls any more. */
  get isOver(): boolean {
    return this.#fault !== undefined || this.#started?.child.over.aborted === true
  }

  /** Whether it is stopping a call, so that the next had better go to another. */
  get isStopping(): boolean {
    return this.#started?.child.isStopping === true
  }

  /** Whether its end was our wish. */
  get wasEnded(): boolean {
    return this.#fault !== undefined
  }

  /** Whether it could be ended without anybody noticing. */
  get isIdle(): boolean {
    return this.#started !== undefined && this.#uses === 0
  }

  /** The session that its SQL belongs to now. */
  session(): Session {
    return this.#caller.session
  }

  /** One more session uses it; when the last has ended, it ends at once. */
  join(caller: Caller): void {
    const { session, ended } = caller
    if (this.#callers.has(session.id)) return
    this.#callers.set(session.id, caller)
    this.#caller = caller
    ended.addEventListener(
      'abort',
      () => {
        this.#leave(session)
      },
      { once: true },
    )
    if (ended.aborted) this.#leave(session)
  }

  /** It runs. */
  begin(started: StartedChild): ToolServerProcess {
    this.#started = started
    if (this.#fault !== undefined) {
      void started.child.kill(this.#fault)
      throw this.#fault
    }
    this.#rest()
    return this.#process(started)
  }

  /** Nobody new comes to it: it ends as soon as nobody uses it. */
  retire(): void {
    this.#idleMs = 0
    if (this.#started !== undefined) this.#rest()
  }

  /** Ends it in good order. Never rejects. */
  async end(fault: GatewayError): Promise<void> {
    this.#stop(fault)
    await this.#started?.child.end(fault)
  }

  #process({ child }: StartedChild): ToolServerProcess {
    return {
      childId: child.childId,
      initialize: child.initialize,
      get tools(): readonly LiveTool[] {
        return child.tools
      },
      turn: (signal) => this.#turn(child, signal),
    }
  }

  async #turn(child: StartedChild['child'], signal: AbortSignal): Promise<Turn> {
    const release = this.#use()
    try {
      const turn = await child.turn(signal)
      return {
        tools: turn.tools,
        call: async (request, until) => {
          const answer = await turn.call(request, until)
          this.#options.worked()
          return answer
        },
        [Symbol.dispose]: () => {
          turn[Symbol.dispose]()
          release()
        },
      }
    } catch (error) {
      release()
      if (error instanceof NoTurn) return await this.#options.elsewhere(this.#caller, signal)
      throw error
    }
  }

  /** Somebody needs it, from now until what this answers is called. */
  #use(): () => void {
    this.#uses++
    clearTimeout(this.#idle)
    return () => {
      this.#uses--
      this.#rest()
    }
  }

  #rest(): void {
    clearTimeout(this.#idle)
    if (this.#uses > 0 || this.isOver) return
    this.#idle = setTimeout(() => {
      void this.end(new GatewayError('SP_TOOL_SERVER_FAILED', 'it was ended because nobody called it'))
    }, this.#idleMs).unref()
  }

  #leave(session: Session): void {
    this.#callers.delete(session.id)
    const newest = [...this.#callers.values()].at(-1)
    if (newest !== undefined) {
      this.#caller = newest
      return
    }
    const fault = new GatewayError('SP_SESSION_REVOKED', 'the session behind it has ended')
    this.#stop(fault)
    void this.#started?.child.kill(fault)
  }

  #stop(fault: GatewayError): void {
    this.#fault ??= fault
    clearTimeout(this.#idle)
  }
}
