/**
 * An MCP server for tests, written by hand: a few tools that behave, and many that do not. Runs by itself inside a sandbox: it imports nothing but
 * Node.
 */
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: {
    readonly name?: string
    readonly arguments?: Arguments
    readonly cursor?: string
    readonly requestId?: number
  }
}

interface Arguments {
  readonly path?: string
  readonly host?: string
  readonly port?: number
  readonly bytes?: number
  readonly ms?: number
  readonly text?: string
}

type Tool = (args: Arguments, id: number) => unknown

let toolNames = ['echo']
const stopped = new Map<number, () => void>()

const send = (message: object): void => {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
}

/** What a callback of Node says, as text. */
const tried = (attempt: () => unknown): unknown => {
  try {
    return attempt()
  } catch (error) {
    return `refused: ${String((error as NodeJS.ErrnoException).code)}`
  }
}

const tools: Readonly<Record<string, Tool>> = {
  echo: ({ text }) => text,
  environment: () => process.env,
  read: ({ path = '' }) => tried(() => readFileSync(path, 'latin1').slice(0, 200)),
  list: ({ path = '' }) => tried(() => readdirSync(path)),
  write: ({ path = '', bytes = 1 }) =>
    tried(() => {
      writeFileSync(path, Buffer.alloc(bytes))
      return 'written'
    }),
  reach: ({ host = '', port = 0, path }) =>
    new Promise((resolve) => {
      const socket = path === undefined ? connect({ host, port, timeout: 3_000 }) : connect({ path })
      socket.on('connect', () => {
        socket.destroy()
        resolve('connected')
      })
      socket.on('timeout', () => {
        socket.destroy()
        resolve('refused: timeout')
      })
      socket.on('error', (error: NodeJS.ErrnoException) => {
        resolve(`refused: ${String(error.code)}`)
      })
    }),
  talk: ({ port = 0, text = '' }) =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.on('data', (chunk) => {
        resolve(String(chunk))
        socket.end()
      })
      socket.on('error', (error: NodeJS.ErrnoException) => {
        resolve(`refused: ${String(error.code)}`)
      })
      socket.write(text)
    }),
  // Only where node_modules is among the code.
  query: async ({ text = '', ms = 0 }) => {
    const { Client } = await import('pg')
    const client = new Client(process.env['DATABASE_URL'])
    client.on('error', () => undefined)
    try {
      await client.connect()
      const { rows } = await client.query<object>(text)
      await new Promise((resolve) => setTimeout(resolve, ms))
      return rows
    } catch (error) {
      return `refused: ${(error as Error).message}`
    } finally {
      await client.end().catch(() => undefined)
    }
  },
  daemon: ({ text = '' }) => {
    // Twice forked, in a session of its own, deaf to everything but SIGKILL; its name is what the test looks for.
    const script = 'trap "" TERM HUP INT; while :; do sleep 0.1; done'
    const daemon = spawn('/bin/sh', ['-c', `(setsid /bin/sh -c '${script}' ${text} & )`], { stdio: 'ignore' })
    daemon.unref()
    return 'forked'
  },
  wait: ({ ms = 0 }, id) =>
    new Promise((resolve) => {
      const timer = setTimeout(() => {
        resolve('waited')
      }, ms)
      stopped.set(id, () => {
        clearTimeout(timer)
        resolve('stopped')
      })
    }),
  stubborn: ({ ms = 0 }) =>
    new Promise((resolve) => {
      setTimeout(() => {
        resolve('late')
      }, ms)
    }),
  exit: () => process.exit(3),
  large: ({ bytes = 0 }) => 'x'.repeat(bytes),
  flood: ({ bytes = 0 }) => {
    const chunk = Buffer.alloc(1 << 20, 'x')
    let left = bytes
    const more = (): void => {
      while (left > 0) {
        left -= chunk.length
        if (!process.stdout.write(chunk)) {
          process.stdout.once('drain', more)
          return
        }
      }
    }
    more()
    return new Promise(() => undefined)
  },
  grumble: ({ bytes = 0 }) => {
    for (let left = bytes; left > 0; left -= 1000) process.stderr.write(`${'complaint '.repeat(100)}\n`)
    return 'grumbled'
  },
  eat: ({ bytes = 0 }) => {
    const eaten: Buffer[] = []
    const timer = setInterval(() => {
      if (eaten.length * (16 << 20) < bytes) eaten.push(Buffer.alloc(16 << 20, 1))
      else clearInterval(timer)
    }, 10)
    return new Promise(() => undefined)
  },
  status: () => readFileSync('/proc/self/status', 'latin1').match(/^(?:Cap|NoNewPrivs).*$/gm),
  namespace: () =>
    new Promise((resolve) => {
      spawn('unshare', ['--user', 'true'], { stdio: 'ignore' })
        .on('error', () => {
          resolve('refused: no unshare')
        })
        .on('exit', (code) => {
          resolve(code === 0 ? 'made' : 'refused')
        })
    }),
  fork: ({ bytes = 0 }) => {
    for (let count = 0; count < bytes; count++)
      spawn('/bin/sleep', ['60'], { stdio: 'ignore' }).on('error', () => undefined)
    return new Promise(() => undefined)
  },
  progress: (_, id) => {
    send({ method: 'notifications/progress', params: { progressToken: id, progress: 1 } })
    return 'done'
  },
  grow: () => {
    toolNames = ['echo', 'grown']
    send({ method: 'notifications/tools/list_changed' })
    return 'grown'
  },
  ask: () => {
    send({ id: 9001, method: 'sampling/createMessage', params: {} })
    send({ id: 9002, method: 'ping' })
    return new Promise((resolve) => {
      stopped.set(9001, () => {
        resolve(answers)
      })
    })
  },
}

const answers: unknown[] = []

async function handle(message: Message): Promise<void> {
  const { id, method, params } = message
  if (method === undefined) {
    answers.push(message)
    if (answers.length === 2) stopped.get(9001)?.()
    return
  }
  if (method === 'notifications/cancelled') stopped.get(params?.requestId ?? 0)?.()
  if (id === undefined) return
  if (method === 'initialize') {
    send({
      id,
      result: {
        protocolVersion: '2025-11-25',
        capabilities: { tools: {} },
        serverInfo: { name: 'test', version: '1' },
      },
    })
  } else if (method === 'tools/list') {
    const [first, ...rest] = toolNames.map((name) => ({ name, inputSchema: { type: 'object' } }))
    if (params?.cursor === undefined && rest.length > 0) send({ id, result: { tools: [first], nextCursor: '2' } })
    else send({ id, result: { tools: params?.cursor === undefined ? [first] : rest } })
  } else {
    const tool = tools[params?.name ?? '']
    const answer = await tool?.(params?.arguments ?? {}, id)
    send({ id, result: { content: [{ type: 'text', text: JSON.stringify(answer) }] } })
  }
}

if (process.env['BANNER'] !== undefined) process.stdout.write(`${process.env['BANNER']}\n`)
createInterface({ input: process.stdin }).on('line', (line) => {
  void handle(JSON.parse(line) as Message)
})
