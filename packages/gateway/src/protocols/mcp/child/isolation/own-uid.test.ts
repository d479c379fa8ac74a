import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { findTool } from './tools.ts'

const UID = 65_533

async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 15_000
  while (!holds() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10))
  assert.ok(holds())
}

test('what kills a uid’s processes does so to the end, though whoever started it ends meanwhile', async (context) => {
  if (process.getuid?.() !== 0 || findTool('setpriv') === undefined) {
    context.skip('not run: it needs root, and setpriv of util-linux')
    return
  }
  const folder = mkdtempSync(join(tmpdir(), 'spk-'))
  context.after(() => {
    rmSync(folder, { recursive: true })
  })
  chmodSync(folder, 0o777)
  const path = (name: string): string => join(folder, name)
  const command = `: >${path('began')}; while [ ! -e ${path('starter-gone')} ]; do sleep 0.05; done; : >${path('ended')}`
  const script = fileURLToPath(new URL('../testkit/doomed-killer.ts', import.meta.url))
  const starter = spawn(process.execPath, [...process.execArgv, script, String(UID), '/bin/sh', '-c', command], {
    stdio: 'inherit',
  })
  await until(() => existsSync(path('began')))
  starter.kill('SIGKILL')
  await once(starter, 'exit')
  writeFileSync(path('starter-gone'), '')
  await until(() => existsSync(path('ended')))
})
