import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import { test } from 'node:test'

test('a full disk costs lines of the log, not the gateway', (context) => {
  if (!existsSync('/dev/full')) {
    context.skip('not run: this system has no /dev/full')
    return
  }
  const full = openSync('/dev/full', 'w')
  const script = `
    import { createLog } from ${JSON.stringify(new URL('./log.ts', import.meta.url).href)}
    const log = createLog({ scrubText: (text) => text }, 'info')
    for (const event of ['first', 'second']) log.info(event)
    setTimeout(() => { log.info('third'); process.stdout.write('goes on') }, 10)`
  const { stdout, status } = spawnSync(process.execPath, [...process.execArgv, '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', full],
    encoding: 'utf8',
  })
  closeSync(full)
  assert.deepEqual({ stdout, status }, { stdout: 'goes on', status: 0 })
})
