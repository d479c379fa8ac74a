import type { Bytes } from '#base'
import type { Session, ToolServer } from '#model'
import type { McpBlock } from './settings.ts'

/** An MCP server behind the boundary. */
export interface McpResource {
  readonly resource: ToolServer
  readonly settings: McpBlock
}

/** Starts and keeps the MCP servers behind the boundary: one process for each caller and resource. */
export interface ToolServers {
  /**
   * The caller's own server, started when there is none.
   *
   * @throws {GatewayError} `SP_TOOL_SERVER_FAILED`, `SP_ISOLATION_UNAVAILABLE`, `SP_BUSY`.
   */
  take(caller: Caller, server: McpResource): Promise<ToolServerProcess>
  close(): Promise<void>
}

/** Who calls: issuer, subject, client (agent) and resource of the session make the key of a process. */
export interface Caller {
  readonly session: Session
  /** The session's end (`OpenSession.ended`): a process whose callers have all ended is ended with them. */
  readonly ended: AbortSignal
}

/** A running server, initialized with protocol version 2025-11-25. */
export interface ToolServerProcess {
  readonly childId: string
  /** The result of its `initialize`, as it sent it. */
  readonly initialize: Bytes
  /** Its tools, all pages of `tools/list`. */
  readonly tools: readonly LiveTool[]
  /**
   * Waits for a turn: one request is in flight, others queue. Whoever has it can decide, record and send with nothing to wait for in between.
   * When the signal is aborted the promise rejects with the signal's reason.
   *
   * @throws {GatewayError} `SP_BUSY` the queue is full; `SP_TOOL_SERVER_FAILED` it ended.
   */
  turn(signal: AbortSignal): Promise<Turn>
}

/** A turn at a server, for one request. Disposing of it gives one that was not used to the next. */
export interface Turn extends Disposable {
  /** Its tools, all pages of `tools/list`, as they are in this turn. */
  readonly tools: readonly LiveTool[]
  /**
   * Sends the request, at once, and waits for its answer; the turn is over with it. When the signal is aborted the server is told
   * (`notifications/cancelled`) and the promise rejects with the signal's reason.
   *
   * @throws {GatewayError} `SP_TOOL_SERVER_FAILED` it ended or sent what is no JSON-RPC; `SP_MASK_TOO_LARGE` the answer is larger than
   *   `limits.outputBytes`.
   */
  call(request: CallRequest, signal: AbortSignal): Promise<ServerAnswer>
}

/** One request to a server. */
export interface CallRequest {
  readonly method: string
  /** The JSON text of its params. */
  readonly params?: Bytes
  /** Of a tool call: which tool. */
  readonly tool?: string
  /** The number of the call's intent record; while it is in flight `running()` names it. */
  readonly sequence: number
  /** Gets progress and log notifications that the server sends while it runs, whole and raw. */
  readonly onNotification?: (message: Bytes) => void
}

/** A server's answer. */
export interface ServerAnswer {
  readonly kind: 'result' | 'error'
  /** The JSON text of the result or of the error object alone, checked by the codec. It is the receiver's own: it masks in place. */
  readonly value: Bytes
}

/** A tool as the running server defines it. */
export interface LiveTool {
  readonly name: string
  /** The JSON text of its definition as the server wrote it. */
  readonly definition: Bytes
  /** SHA-256 (hexadecimal) of the canonical definition (RFC 8785). */
  readonly hash: string
}
