import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startChild } from '../../demo/child.ts'
import { freePort } from '../../demo/ports.ts'
import { reachable, stopper } from '../foreign.ts'
import type { Middle } from './arms.ts'

/** One worker, connections kept on both sides; nothing written down, as Debian packages it otherwise. */
function settings(folder: string, port: number, server: number): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `  ${name}_temp_path ${join(folder, name)};`,
  )
  return `worker_processes 1;
pid ${join(folder, 'pid')};
error_log ${join(folder, 'error.log')} warn;
events { worker_connections 256; }
http {
${temporary.join('\n')}
  access_log off;
  keepalive_requests 1000000;
  upstream echo {
    server 127.0.0.1:${server};
    keepalive 64;
    keepalive_requests 1000000;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://echo;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
`
}

/** Starts nginx in front of the echo server behind HTTP. */
export async function startNginx(program: string, parent: string): Promise<Middle> {
  const folder = join(parent, 'nginx')
  mkdirSync(folder, { mode: 0o755 })
  const server = await startChild({
    script: join(import.meta.dirname, 'echo-http.ts'),
    args: [],
    logFile: join(folder, 'echo.log'),
    isReady: (line) => line.startsWith('ready '),
  })
  const port = await freePort(8380)
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, settings(folder, port, Number(server.ready.slice('ready '.length))))
  const master = spawn(program, ['-c', file, '-e', join(folder, 'error.log'), '-g', 'daemon off;'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const end = stopper(master, 'SIGTERM')
  const stop = async (): Promise<void> => {
    await end()
    await server.stop()
  }
  if (master.pid === undefined) throw new Error(`${program} could not be started`)
  await reachable(master, port)
  return { to: { kind: 'http', port, path: '/mcp/echo', tokens: [] }, pid: workerOf(master.pid), stop }
}

/** The worker does the work; the master only waits. */
function workerOf(master: number): number {
  const [worker] = readFileSync(`/proc/${master}/task/${master}/children`, 'utf8').trim().split(' ').map(Number)
  if (worker === undefined || !(worker > 0)) throw new Error('nginx has no worker')
  return worker
}
